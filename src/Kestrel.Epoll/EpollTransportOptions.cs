using System.Net;

namespace Kestrel.Epoll;

/// <summary>
/// The options of the epoll transport. Read when a transport is created and when it listens; later changes have no effect.
/// </summary>
public sealed class EpollTransportOptions
{
    /// <summary>
    /// The number of event loops that share the connections. Each takes two threads, one of them in standby, and two file
    /// descriptors.
    /// </summary>
    /// <remarks>Default: one for each processor that the process may use.</remarks>
    public int LoopCount { get; set; } = Environment.ProcessorCount;

    /// <summary>The name of the loops' threads, before their number.</summary>
    /// <remarks>Default: "epoll loop".</remarks>
    public string ThreadName { get; set; } = "epoll loop";

    /// <summary>
    /// Decides, for each end point to listen on, whether continuations of its connections run directly on the event loop.
    /// That is fastest, and suits code that only moves bytes. Code that computes for long or blocks would hold up the
    /// loop's other connections, and belongs on the thread pool.
    /// </summary>
    /// <remarks>
    /// Default: all continuations run on the thread pool. The argument is the same object that Kestrel was given to listen on.
    /// </remarks>
    public Func<EndPoint, bool> ContinueOnLoop { get; set; } = static _ => false;

    /// <summary>
    /// The maximum number of connections that wait to be accepted (listen(2)). The kernel caps it at net.core.somaxconn.
    /// </summary>
    /// <remarks>Default: 512, as with Kestrel's sockets.</remarks>
    public int Backlog { get; set; } = 512;

    /// <summary>
    /// Creates an end point's policy: what happens if accepting fails, and which connections are kept. Null for the
    /// default, which keeps all, pauses for 100 ms after a failure, and logs the first failure of a series.
    /// </summary>
    public Func<EndPoint, IAcceptPolicy>? AcceptPolicy { get; set; }

    /// <exception cref="ArgumentException">An option can't be used.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(LoopCount);
        ArgumentException.ThrowIfNullOrEmpty(ThreadName);
        ArgumentNullException.ThrowIfNull(ContinueOnLoop);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Backlog);
    }
}
