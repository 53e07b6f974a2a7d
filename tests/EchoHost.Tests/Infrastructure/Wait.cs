using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Infrastructure;

internal static class Wait
{
    /// <summary>No test waits longer for any one thing. Generous, since machines are shared: only a test that fails waits so long.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Lets a clock of the test's go on, a step at a time, until what will happen has happened.</summary>
    public static Task PassUntilAsync(this FakeTimeProvider time, TimeSpan step, Func<bool> condition, string what) => UntilAsync(
        () =>
        {
            if (condition())
            {
                return true;
            }

            time.Advance(step);
            return false;
        },
        what);

    /// <summary>
    /// Does with a short time limit what a machine that pauses may need a longer one for: where <paramref name="isDone"/>
    /// says that the pause came in between, it is done again with more time. The last try counts.
    /// </summary>
    public static async Task<T> PatientlyAsync<T>(TimeSpan limit, Func<TimeSpan, Task<T>> act, Predicate<T> isDone)
    {
        for (; ; limit *= 6)
        {
            var result = await act(limit);
            if (isDone(result) || limit > Limit / 6)
            {
                return result;
            }
        }
    }

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
