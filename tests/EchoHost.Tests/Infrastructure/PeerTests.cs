using System.Net;
using System.Net.Sockets;
using EchoHost.Peers;
using EchoHost.Transport;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace EchoHost.Tests.Infrastructure;

/// <summary>
/// Tests of connections to peers that each transport must pass: they are in an abstract class, with a sealed class for each
/// transport. At the end nothing may hold memory of the transport.
/// </summary>
public abstract class PeerTests : IAsyncDisposable
{
    public const string Epoll = "Epoll";

    /// <summary>The epoll transport, with continuations that run directly on the event loop.</summary>
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

    /// <summary>The time limit for operations that must succeed.</summary>
    protected static TimeSpan Ample => Wait.Limit;

    /// <summary>The time limit for operations that must time out.</summary>
    protected static TimeSpan Brief { get; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Whether a reset is always reported as one, and after the bytes before it. With Kestrel's sockets, a reset that a
    /// send detects is an orderly end, and a pipe that ended with an error drops the bytes in it.
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

/// <summary>Resolves every name to the given addresses, or to loopback if none are given.</summary>
internal sealed class KnownNames(params IPAddress[] addresses) : INameResolver
{
    /// <summary>The number of lookups.</summary>
    public int Asked { get; private set; }

    /// <summary>The exception to throw instead of an answer.</summary>
    public Exception? Failure { get; init; }

    /// <summary>Whether a lookup never completes.</summary>
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

    /// <summary>A resolver that knows no names.</summary>
    public static KnownNames None() => new() { Failure = new SocketException((int)SocketError.HostNotFound) };
}
