using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kestrel.Epoll;

/// <summary>
/// Event loops on Linux's epoll, shared by listeners and connections. <see cref="EpollListenerFactory"/> and
/// <see cref="EpollConnectionFactory"/> take one; in a Kestrel server <see cref="EpollExtensions.UseEpoll"/> creates it.
/// The threads start with the first listener or connection.
/// </summary>
public sealed partial class EpollTransport : IDisposable
{
    private readonly IMemoryPoolFactory<byte>? _memoryPools;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<EndPoint, ConnectionDelegate> _starts = new(ReferenceEqualityComparer.Instance);
    private EndPoint? _lastLocal;

    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="memoryPools">
    /// Creates the pool for <see cref="IMemoryPoolFeature"/>; the transport itself does not use it.
    /// </param>
    /// <param name="loggers">The loggers; null for no log.</param>
    /// <exception cref="ArgumentException">An option can't be used.</exception>
    public EpollTransport(EpollTransportOptions? options = null, IMemoryPoolFactory<byte>? memoryPools = null, ILoggerFactory? loggers = null)
        : this(options ?? new EpollTransportOptions(), memoryPools, loggers, lookInterval: null, seams: null)
    {
    }

    /// <param name="options">The options.</param>
    /// <param name="memoryPools">As in the public constructor.</param>
    /// <param name="loggers">As in the public constructor.</param>
    /// <param name="lookInterval">How often each loop is checked; see <see cref="EventLoops"/>.</param>
    /// <param name="seams">Hooks for tests.</param>
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
    /// The number of memory blocks, of 64 KiB each, that connections hold: bytes that were received but not consumed, or
    /// written but not sent. Exact only while nothing changes.
    /// </summary>
    public int BlocksInUse => Loops.BlocksInUse;

    internal EpollTransportOptions Options { get; }

    /// <summary>The loops that all connections share.</summary>
    internal EventLoops Loops { get; }

    internal MemoryPool<byte> MemoryPool => field ??= _memoryPools?.Create() ?? MemoryPool<byte>.Shared;

    /// <summary>Accepts the connections of a listening socket until <see cref="IConnectionListener.UnbindAsync"/>.</summary>
    /// <param name="listenSocket">A TCP or Unix socket that is bound and listening; disposed with the listener.</param>
    /// <param name="endPoint">The end point that the listener reports as its own.</param>
    /// <param name="policy">
    /// What to do if accepting fails; null for the default (<see cref="EpollTransportOptions.AcceptPolicy"/>).
    /// </param>
    /// <param name="continueOnLoop">
    /// Whether continuations run directly on the event loop, which is fastest; otherwise on the thread pool, which suits
    /// code that computes for long or blocks.
    /// </param>
    /// <param name="start">
    /// Handles each connection, from the event loop on; see <see cref="EpollExtensions.StartOnLoop"/>. Call
    /// <see cref="IConnectionListener.AcceptAsync"/> once then: it accepts connections until the listener is unbound, and returns
    /// null. Without a delegate it returns each connection.
    /// </param>
    /// <exception cref="IOException">The kernel refuses to watch the socket. The caller must dispose of it.</exception>
    /// <exception cref="PlatformNotSupportedException">This system has no epoll.</exception>
    public IConnectionListener Listen(
        Socket listenSocket, EndPoint endPoint, IAcceptPolicy? policy = null, bool continueOnLoop = false, ConnectionDelegate? start = null)
    {
        ArgumentNullException.ThrowIfNull(listenSocket);
        ArgumentNullException.ThrowIfNull(endPoint);
        policy ??= new RestOnErrors(endPoint, TimeProvider.System, _logger);
        return new EpollListener(this, listenSocket, endPoint, policy, continueOnLoop, start is null ? null : new LoopStart(start, _logger));
    }

    /// <summary>
    /// Takes the chain that <see cref="EpollExtensions.StartOnLoop"/> has set for an end point that is being bound; null if there
    /// is none. Kestrel builds and sets it anew before each time that it binds.
    /// </summary>
    /// <param name="endPoint">The same object that Kestrel was given to listen on.</param>
    public ConnectionDelegate? TakeStart(EndPoint endPoint) => _starts.TryRemove(endPoint, out var chain) ? chain : null;

    /// <summary>
    /// Completes when every event loop has run a call that this method queues. While a loop hangs it does not complete, so a
    /// watchdog can use it.
    /// </summary>
    public Task RespondAsync() => Loops.RespondAsync();

    /// <summary>
    /// Ends the loops. Dispose of listeners and connections first: code that still awaits a connection would wait for ever.
    /// </summary>
    public void Dispose() => Loops.Dispose();

    internal void SetStart(EndPoint endPoint, ConnectionDelegate chain) => _starts[endPoint] = chain;

    /// <exception cref="PlatformNotSupportedException">This system has no epoll.</exception>
    internal static void ThrowUnlessSupported()
    {
        if (!IsSupported)
        {
            throw new PlatformNotSupportedException(
                "The epoll transport needs Linux; elsewhere leave Kestrel with its own sockets (EpollTransport.IsSupported tells)");
        }
    }

    /// <summary>
    /// Returns a shared object for equal addresses: most connections of an endpoint have the same local address.
    /// </summary>
    internal EndPoint? Share(EndPoint? local)
    {
        var last = _lastLocal;
        return last is not null && last.Equals(local) ? last : _lastLocal = local;
    }

    [LoggerMessage(1, LogLevel.Error, "An event of a connection could not be handled")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
