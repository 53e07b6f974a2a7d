using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kestrel.Epoll.Tests;

/// <summary>
/// The epoll transport without Kestrel; the test handles the accepted connections. At the end nothing may hold memory of
/// the transport.
/// </summary>
internal sealed class EpollServer : IAsyncDisposable
{
    private readonly EpollTransport _transport;
    private readonly IConnectionListener _listener;
    private readonly ConcurrentBag<ConnectionContext> _accepted = [];
    private readonly ConcurrentBag<EchoClient> _peers = [];

    private EpollServer(EpollTransport transport, IConnectionListener listener) => (_transport, _listener) = (transport, listener);

    public EndPoint EndPoint => _listener.EndPoint;

    public EventLoops Loops => _transport.Loops;

    /// <summary>Listens on <paramref name="endPoint"/>, or on a free port of loopback.</summary>
    public static EpollServer Start(EndPoint? endPoint = null, int loops = 2, bool continuesOnLoop = true, TimeSpan? lookInterval = null, ISeams? seams = null)
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        var transport = Transport(loops, lookInterval, seams);
        return new EpollServer(transport, Listen(transport, endPoint ?? new IPEndPoint(IPAddress.Loopback, 0), continuesOnLoop));
    }

    public static EpollTransport Transport(int loops, TimeSpan? lookInterval = null, ISeams? seams = null) =>
        new(new EpollTransportOptions { LoopCount = loops }, new MemoryPools(), loggers: null, lookInterval, seams);

    /// <summary>Listens as <see cref="EpollListenerFactory"/> does, optionally on a given loop and with connections that start on theirs.</summary>
    public static IConnectionListener Listen(EpollTransport transport, EndPoint endPoint, bool continuesOnLoop, EventLoop? loop = null, LoopStart? start = null)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        socket.Listen(1024);
        var bound = endPoint is IPEndPoint ? socket.LocalEndPoint! : endPoint;
        var policy = new RestOnErrors(bound, TimeProvider.System, NullLogger.Instance);
        return new EpollListener(transport, socket, bound, policy, continuesOnLoop, start, loop);
    }

    /// <summary>Opens a connection and returns both ends.</summary>
    public async Task<(ConnectionContext Host, EchoClient Peer)> ConnectAsync(int? receiveBuffer = null)
    {
        var peer = await EchoClient.ConnectAsync(EndPoint, receiveBuffer);
        _peers.Add(peer);
        return (await AcceptAsync(), peer);
    }

    /// <summary>Accepts the next connection.</summary>
    public async Task<ConnectionContext> AcceptAsync()
    {
        var connection = await _listener.AcceptAsync().Bounded();
        _accepted.Add(connection!);
        return connection!;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _accepted)
        {
            connection.Abort();
            await connection.DisposeAsync().Bounded();
        }

        foreach (var peer in _peers)
        {
            peer.Dispose();
        }

        await _listener.UnbindAsync();
        await Wait.UntilAsync(() => _transport.BlocksInUse == 0, $"nothing holds memory of the transport ({_transport.BlocksInUse} blocks)");
        _transport.Dispose();
    }

    private sealed class MemoryPools : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => MemoryPool<byte>.Shared;
    }
}

internal static class Bounds
{
    public static Task<T> Bounded<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Wait.Limit);

    public static Task Bounded(this ValueTask task) => task.AsTask().WaitAsync(Wait.Limit);
}
