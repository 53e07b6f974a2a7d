using EchoHost.Peers.Load;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers.Load;

public class LoadWatchTests
{
    [Fact]
    public async Task It_looks_again_and_again_until_it_is_disposed_of()
    {
        var looks = 0;
        var (isOver, isLate) = (false, false);
        using (new LoadWatch(TimeSpan.FromMilliseconds(1), () =>
        {
            isLate |= Volatile.Read(ref isOver);
            Interlocked.Increment(ref looks);
        }))
        {
            await Wait.UntilAsync(() => Volatile.Read(ref looks) > 2, "it looked three times");
        }

        Volatile.Write(ref isOver, true);
        Assert.False(isLate);
    }

    [Fact]
    public async Task Its_end_does_not_wait_for_the_next_look()
    {
        var ending = Task.Run(() => new LoadWatch(TimeSpan.FromHours(1), () => { }).Dispose());
        await ending.WaitAsync(Wait.Limit);
    }
}
