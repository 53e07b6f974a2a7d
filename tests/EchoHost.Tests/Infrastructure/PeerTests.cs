using System.Net;
using System.Net.Sockets;
using EchoHost.Peers;
using EchoHost.Transport;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace EchoHost.Tests.Infrastructure;

/// <summary>
/// Tests of connections to peers, which each transport must pass: they stand in an abstract class, with a sealed one for
/// each transport. In the end nothing may hold any of the transport's memory.
/// </summary>
public abstract class PeerTests : IAsyncDisposable
{
    public const string Epoll = "Epoll";

    /// <summary>The same, with the code that awaits a connection going on right on its event loop.</summary>
    public const string EpollLoop = "EpollLoop";

    public const string Sockets = "Sockets";

    private readonly EpollTransport? _epoll;
    private readonly SocketsConnectionFactory? _sockets;

    protected PeerTests(string transport)
    {
        KnowsResets = transport != Sockets;
        if (transport == Sockets)
        {
            Connections = _sockets = new SocketsConnectionFactory(NullLoggerFactory.Instance);
            return;
        }

        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        _epoll = new EpollTransport(new EpollTransportOptions { LoopCount = 2 });
        Connections = new EpollConnectionFactory(_epoll, continueOnLoop: transport == EpollLoop);
    }

    /// <summary>How long the test gives what is to succeed.</summary>
    protected static TimeSpan Ample => Wait.Limit;

    /// <summary>How long the test gives what will not come.</summary>
    protected static TimeSpan Brief { get; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Whether a reset is always told as one, and after what came before it. To Kestrel's sockets one that a send hears of
    /// is an orderly end, and a pipe that has ended with an error gives no more of what is in it.
    /// </summary>
    protected bool KnowsResets { get; }

    private protected IConnectionFactory Connections { get; }

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_epoll is not null)
        {
            await Wait.UntilAsync(() => _epoll.BlocksInUse == 0, $"nothing holds memory of the transport ({_epoll.BlocksInUse} blocks)");
            _epoll.Dispose();
        }

        _sockets?.Dispose();
    }

    /// <summary>The same transport, connecting from this address.</summary>
    private protected IConnectionFactory From(IPAddress source) =>
        _epoll is null ? new SocketsConnectionFactory(NullLoggerFactory.Instance, source) : new EpollConnectionFactory(_epoll, continueOnLoop: false, source);

    private protected PeerClient Client(PeerLink? link = null, INameResolver? resolver = null) =>
        new(Connections, resolver ?? new KnownNames(), link ?? PeerLink.Default, TimeProvider.System);

    private protected async Task<PeerConnection> ConnectAsync(PeerTarget target, PeerLink? link = null, INameResolver? resolver = null) =>
        await Client(link, resolver).ConnectAsync(target, Ample, CancellationToken.None).WaitAsync(Wait.Limit);
}

/// <summary>Resolves the names that the test has given addresses to, and no other; every name is loopback where it has given none.</summary>
internal sealed class KnownNames(params IPAddress[] addresses) : INameResolver
{
    /// <summary>How often it was asked.</summary>
    public int Asked { get; private set; }

    /// <summary>Thrown in place of an answer.</summary>
    public Exception? Failure { get; init; }

    /// <summary>Whether it never answers.</summary>
    public bool IsSilent { get; init; }

    public async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        Asked++;
        if (IsSilent)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        return Failure is not null ? throw Failure : addresses.Length > 0 ? addresses : [IPAddress.Loopback];
    }

    /// <summary>One that knows no name.</summary>
    public static KnownNames None() => new() { Failure = new SocketException((int)SocketError.HostNotFound) };
}
