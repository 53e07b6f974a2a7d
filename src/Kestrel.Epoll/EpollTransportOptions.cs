using System.Net;

namespace Kestrel.Epoll;

/// <summary>How the epoll transport works. Read when a transport is made and when it listens; later changes have no effect.</summary>
public sealed class EpollTransportOptions
{
    /// <summary>How many event loops share the connections. Each takes two threads, one of which stands by, and two file descriptors.</summary>
    /// <remarks>By default one for each processor that the process may use.</remarks>
    public int LoopCount { get; set; } = Environment.ProcessorCount;

    /// <summary>What the loops' threads are called, before their number.</summary>
    /// <remarks>By default "epoll loop".</remarks>
    public string ThreadName { get; set; } = "epoll loop";

    /// <summary>
    /// For each end point that is listened on: whether the code that awaits its connections goes on right on the event loop.
    /// That is fastest. It suits code that only moves bytes: what computes for long or blocks holds up the other
    /// connections of its loop, and belongs on the thread pool.
    /// </summary>
    /// <remarks>
    /// By default all code goes on on the thread pool. What a function is given is the very object that Kestrel was told to
    /// listen on.
    /// </remarks>
    public Func<EndPoint, bool> ContinueOnLoop { get; set; } = static _ => false;

    /// <summary>How many connections may wait to be accepted (listen(2)). The kernel caps it at net.core.somaxconn.</summary>
    /// <remarks>By default 512, as with Kestrel's sockets.</remarks>
    public int Backlog { get; set; } = 512;

    /// <summary>
    /// Makes an end point's policy: what happens where accepting fails, and which connections are kept. Null for the default,
    /// which keeps all, rests 100 ms after a failure, and logs the first of a row.
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
