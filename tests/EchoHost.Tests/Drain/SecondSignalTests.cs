using System.Runtime.InteropServices;
using EchoHost.Drain;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Drain;

public sealed class SecondSignalTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly SecondSignal _signal;

    public SecondSignalTests() => _signal = new SecondSignal(_time);

    public void Dispose() => _signal.Dispose();

    [Fact]
    public void The_second_counts_if_it_is_not_the_first_again()
    {
        Come();
        Assert.False(_signal.Token.IsCancellationRequested);
        _time.Advance(TimeSpan.FromMilliseconds(250));
        Come();
        Assert.False(_signal.Token.IsCancellationRequested);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Come();
        Assert.True(_signal.Token.IsCancellationRequested);
    }

    /// <summary>A handler that has begun does not stop for the end of its registration.</summary>
    [Fact]
    public void One_that_comes_late_does_no_harm()
    {
        Come();
        _time.Advance(TimeSpan.FromSeconds(1));
        _signal.Dispose();
        Come();
    }

    private void Come()
    {
        var context = new PosixSignalContext(PosixSignal.SIGTERM);
        _signal.OnSignal(context);
        Assert.True(context.Cancel);
    }
}
