using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kestrel.Epoll;

/// <summary>
/// Event loops on Linux's epoll, and what listeners and connections over them share. <see cref="EpollListenerFactory"/> and
/// <see cref="EpollConnectionFactory"/> use one; in a Kestrel server <see cref="EpollExtensions.UseEpoll"/> makes it. The
/// threads start with the first listener or connection.
/// </summary>
public sealed partial class EpollTransport : IDisposable
{
    private readonly IMemoryPoolFactory<byte>? _memoryPools;
    private readonly ILogger _logger;
    private EndPoint? _lastLocal;

    /// <param name="options">Null for the defaults.</param>
    /// <param name="memoryPools">What <see cref="IMemoryPoolFeature"/> offers to others; the transport itself needs none of it.</param>
    /// <param name="loggers">Null for no log.</param>
    /// <exception cref="ArgumentException">An option can't be used.</exception>
    public EpollTransport(EpollTransportOptions? options = null, IMemoryPoolFactory<byte>? memoryPools = null, ILoggerFactory? loggers = null)
        : this(options ?? new EpollTransportOptions(), memoryPools, loggers, lookInterval: null, seams: null)
    {
    }

    /// <param name="options">The options.</param>
    /// <param name="memoryPools">As above.</param>
    /// <param name="loggers">As above.</param>
    /// <param name="lookInterval">How often each loop is looked at; see <see cref="EventLoops"/>.</param>
    /// <param name="seams">What tests put in.</param>
    internal EpollTransport(
        EpollTransportOptions options, IMemoryPoolFactory<byte>? memoryPools, ILoggerFactory? loggers, TimeSpan? lookInterval, ISeams? seams)
    {
        options.Validate();
        (Options, _memoryPools) = (options, memoryPools);
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<EpollTransport>();
        Loops = new EventLoops(options.ThreadName, options.LoopCount, e => LogFailed(_logger, e), lookInterval, seams);
    }

    /// <summary>Whether this system has epoll.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>
    /// How many blocks of memory, of 64 KiB each, the connections hold: what was received and not consumed, or written and
    /// not sent. Exact only while nothing moves.
    /// </summary>
    public int BlocksInUse => Loops.BlocksInUse;

    internal EpollTransportOptions Options { get; }

    /// <summary>The loops that all connections share.</summary>
    internal EventLoops Loops { get; }

    internal MemoryPool<byte> MemoryPool => field ??= _memoryPools?.Create() ?? MemoryPool<byte>.Shared;

    /// <summary>Accepts the connections of a listening socket. <see cref="IConnectionListener.UnbindAsync"/> ends it.</summary>
    /// <param name="listenSocket">Bound and listening, on TCP or Unix; disposed with the listener.</param>
    /// <param name="endPoint">What the listener says it is bound to.</param>
    /// <param name="policy">Where accepting fails; null for the default (<see cref="EpollTransportOptions.AcceptPolicy"/>).</param>
    /// <param name="continueOnLoop">
    /// Whether the code that awaits a connection goes on right on the event loop, which is fastest, or on the thread pool,
    /// which is where code belongs that computes for long or blocks.
    /// </param>
    /// <exception cref="IOException">The kernel refuses to watch the socket, which is the caller's still.</exception>
    /// <exception cref="PlatformNotSupportedException">This system has no epoll.</exception>
    public IConnectionListener Listen(Socket listenSocket, EndPoint endPoint, IAcceptPolicy? policy = null, bool continueOnLoop = false)
    {
        ArgumentNullException.ThrowIfNull(listenSocket);
        ArgumentNullException.ThrowIfNull(endPoint);
        return new EpollListener(this, listenSocket, endPoint, policy ?? new RestOnErrors(endPoint, TimeProvider.System, _logger), continueOnLoop);
    }

    /// <summary>Ends the loops. What still awaits a connection waits for ever, so listeners and connections are to be disposed before.</summary>
    public void Dispose() => Loops.Dispose();

    /// <exception cref="PlatformNotSupportedException">This system has no epoll.</exception>
    internal static void ThrowUnlessSupported()
    {
        if (!IsSupported)
        {
            throw new PlatformNotSupportedException(
                "The epoll transport needs Linux; elsewhere leave Kestrel with its own sockets (EpollTransport.IsSupported tells)");
        }
    }

    /// <summary>The connections of an endpoint mostly have one local address; they share the object that says so.</summary>
    internal EndPoint? Share(EndPoint? local)
    {
        var last = _lastLocal;
        return last is not null && last.Equals(local) ? last : _lastLocal = local;
    }

    [LoggerMessage(1, LogLevel.Error, "An event of a connection could not be handled")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
