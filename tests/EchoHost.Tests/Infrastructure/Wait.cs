using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Infrastructure;

internal static class Wait
{
    /// <summary>
    /// The limit of every wait in a test. It is generous because machines are shared; only a failing test reaches it.
    /// </summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Advances a test clock step by step until the condition holds.</summary>
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
    /// Runs an action with a short time limit, and again with longer ones while <paramref name="isDone"/> says that a pause
    /// of the machine spoiled the result. The last result counts.
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

    /// <summary>Waits until the condition holds.</summary>
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

    /// <summary>
    /// Waits until what will happen has happened. To ask costs more than to look, a request or a process, and so it asks
    /// ever less often: what waits long would take the processor from what it waits for.
    /// </summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var longest = TimeSpan.FromMilliseconds(100);
        var pause = TimeSpan.FromMilliseconds(5);
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail($"Within {Limit.TotalSeconds} s this did not come true: {what}");
            }

            await Task.Delay(pause, CancellationToken.None);
            pause = pause * 1.5 < longest ? pause * 1.5 : longest;
        }
    }
}
