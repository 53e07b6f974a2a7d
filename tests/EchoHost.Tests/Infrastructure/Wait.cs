namespace EchoHost.Tests.Infrastructure;

internal static class Wait
{
    /// <summary>No test waits longer for any one thing. Generous, since machines are shared.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Waits until what will happen has happened.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail($"Within {Limit.TotalSeconds} s this did not come true: {what}");
            }

            await Task.Delay(5, CancellationToken.None);
        }
    }

    /// <summary>Waits until what will happen has happened.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail($"Within {Limit.TotalSeconds} s this did not come true: {what}");
            }

            await Task.Delay(5, CancellationToken.None);
        }
    }
}
