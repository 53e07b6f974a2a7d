using EchoHost.Drain;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Drain;

public sealed class SecondSignalTests
{
    [Fact]
    public void The_second_counts_if_it_is_not_the_first_again()
    {
        var time = new FakeTimeProvider();
        var signal = new SecondSignal(time);
        signal.OnSignal();
        Assert.False(signal.Token.IsCancellationRequested);
        time.Advance(TimeSpan.FromMilliseconds(250));
        signal.OnSignal();
        Assert.False(signal.Token.IsCancellationRequested);
        time.Advance(TimeSpan.FromMilliseconds(1));
        signal.OnSignal();
        Assert.True(signal.Token.IsCancellationRequested);
    }
}
