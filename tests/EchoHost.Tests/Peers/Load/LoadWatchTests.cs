using EchoHost.Peers.Load;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers.Load;

public class LoadWatchTests
{
    [Fact]
    public async Task It_looks_again_and_again_until_it_is_disposed_of()
    {
        var looks = 0;
        using (new LoadWatch(TimeSpan.FromMilliseconds(1), () => Interlocked.Increment(ref looks)))
        {
            await Wait.UntilAsync(() => Volatile.Read(ref looks) > 2, "it looked three times");
        }

        var atTheEnd = looks;
        await Task.Delay(50, CancellationToken.None);
        Assert.Equal(atTheEnd, looks);
    }

    [Fact]
    public async Task Its_end_waits_for_a_look_under_way()
    {
        using var isLooking = new SemaphoreSlim(0);
        using var goOn = new ManualResetEventSlim();
        var watch = new LoadWatch(TimeSpan.FromMilliseconds(1), () =>
        {
            isLooking.Release();
            Assert.True(goOn.Wait(Wait.Limit));
        });
        Assert.True(await isLooking.WaitAsync(Wait.Limit));
        var ending = Task.Run(watch.Dispose);
        Assert.NotSame(ending, await Task.WhenAny(ending, Task.Delay(100, CancellationToken.None)));
        goOn.Set();
        await ending.WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task Its_end_does_not_wait_for_the_next_look()
    {
        var ending = Task.Run(() => new LoadWatch(TimeSpan.FromHours(1), () => { }).Dispose());
        await ending.WaitAsync(Wait.Limit);
    }
}
