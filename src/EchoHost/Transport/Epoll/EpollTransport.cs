using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Transport.Epoll;

/// <summary>A transport for Kestrel on Linux's epoll: accepts, reads and writes with as few system calls as there can be.</summary>
/// <param name="loops">How many event loops.</param>
/// <param name="memoryPools">Where others get memory from.</param>
/// <param name="logger">Told of exceptions from handling an event.</param>
/// <param name="name">What the loops' threads are called, before their number.</param>
/// <param name="lookInterval">How often each loop is looked at; see <see cref="EventLoops"/>.</param>
/// <param name="seams">What tests put in.</param>
internal sealed partial class EpollTransport(
    int loops, IMemoryPoolFactory<byte>? memoryPools, ILogger<EpollTransport> logger, string name = "echo loop", TimeSpan? lookInterval = null, ISeams? seams = null) : IDisposable
{
    private EndPoint? _lastLocal;

    /// <summary>Whether this system has epoll.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>The loops that all connections share.</summary>
    public EventLoops Loops { get; } = new(name, loops, e => LogFailed(logger, e), lookInterval, seams);

    /// <summary>What <see cref="Microsoft.AspNetCore.Connections.Features.IMemoryPoolFeature"/> offers to others; the transport itself needs none of it.</summary>
    public MemoryPool<byte> MemoryPool => field ??= memoryPools?.Create() ?? MemoryPool<byte>.Shared;

    /// <summary>Accepts the connections of a listening socket.</summary>
    /// <param name="listenSocket">Bound and listening; disposed with the listener.</param>
    /// <param name="endPoint">What the listener says it is bound to.</param>
    /// <param name="errors">Where accept(2)'s errors go.</param>
    /// <param name="continuesOnLoop">
    /// Whether the code that awaits a connection goes on right on the event loop, which is fastest, or on the thread pool,
    /// which is where code belongs that computes for long or blocks.
    /// </param>
    public IConnectionListener Listen(Socket listenSocket, EndPoint endPoint, AcceptErrors errors, bool continuesOnLoop) =>
        new EpollListener(this, listenSocket, endPoint, errors, continuesOnLoop);

    /// <summary>The connections of an endpoint mostly have one local address; they share the object that says so.</summary>
    public EndPoint? Share(EndPoint? local)
    {
        var last = _lastLocal;
        return last is not null && last.Equals(local) ? last : _lastLocal = local;
    }

    public void Dispose() => Loops.Dispose();

    [LoggerMessage(1, LogLevel.Error, "An event of a connection could not be handled")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
