using EchoHost.Connections.Admission;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Kestrel.ProxyProtocol;

namespace EchoHost.Tests.Connections.ProxyProtocol;

public sealed class ProxyProtocolObserverTests : IDisposable
{
    private readonly PipeHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public void One_that_is_aborted_counts_only_while_the_host_drains()
    {
        var observer = new ProxyProtocolObserver(_host.Metrics, _host.Get<Rejections>(), _host.Drain);
        var aborted = new ProxyRejection(ProxyRejectionReason.Aborted, 0, 0, "it was aborted");
        observer.Rejected(PipeHost.From("192.0.2.1"), aborted);
        Assert.Equal(0, _host.Metrics.RejectedFor(RejectReason.Draining));
        Assert.Empty(_host.Log.Lines);

        _host.Drain.BeginDraining();
        observer.Rejected(PipeHost.From("192.0.2.2"), aborted);
        Assert.Equal(1, _host.Metrics.RejectedFor(RejectReason.Draining));
        Assert.Equal("Peer 192.0.2.2:5000 turned away: draining", Assert.Single(_host.Log.Lines));
    }
}
