using System.Net;
using System.Net.Sockets;

namespace EchoHost.Peers;

/// <summary>
/// Looks up names on dedicated threads. The system's resolver blocks the calling thread while a name server is silent;
/// on the shared thread pool, a few silent names would hold up the whole process.
/// <para>All callers share one lookup of a name. Cancellation ends a caller's wait at once; the thread continues in the
/// background until the resolver gives up.</para>
/// <para>At most <see cref="MaxThreads"/> threads run. A name becomes late when a caller gives up waiting for it, and stops
/// being late when it is answered in time. Late names use at most <see cref="MaxOfLate"/> of the threads, so that the others
/// are left for names that are answered. A lookup without a thread waits in one queue. It keeps its place when its caller
/// gives up, so that each name gets its turn.</para>
/// </summary>
/// <param name="lookUp">Resolves a name; blocks until the resolver answers.</param>
internal sealed class NameLookups(Func<string, IPAddress[]> lookUp) : INameResolver
{
    /// <summary>The maximum number of lookups at a time, each on a thread.</summary>
    public const int MaxThreads = 64;

    /// <summary>The maximum number of lookups of late names at a time.</summary>
    public const int MaxOfLate = MaxThreads * 3 / 4;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Lookup> _lookups = new(StringComparer.OrdinalIgnoreCase);
    private readonly LinkedList<Lookup> _waiting = [];
    private readonly HashSet<string> _late = new(StringComparer.OrdinalIgnoreCase);
    private int _running;
    private int _runningLate;

    /// <summary>The number of lookups under way.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>The system's own resolver (getaddrinfo): <c>/etc/hosts</c>, DNS, search domains and its other configured sources.</summary>
    /// <param name="family">IPv4 or IPv6 only; unspecified for both.</param>
    public static NameLookups OfSystem(AddressFamily family = AddressFamily.Unspecified) => new(name => LookUp(Dns.GetHostAddresses, name, family));

    public async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var lookup = Join(name);
        try
        {
            return await lookup.Answer.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Leave(lookup);
            throw;
        }
    }

    /// <summary>
    /// Resolves a name to addresses of one family. The system reports the same error for a name without such addresses as
    /// for a name that does not exist.
    /// </summary>
    /// <exception cref="SocketException">The name does not exist or has no such address, or the resolver failed.</exception>
    internal static IPAddress[] LookUp(Func<string, AddressFamily, IPAddress[]> ask, string name, AddressFamily family)
    {
        if (family == AddressFamily.Unspecified)
        {
            return ask(name, family);
        }

        SocketException? failure = null;
        try
        {
            if (ask(name, family) is { Length: > 0 } found)
            {
                return found;
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData)
        {
            failure = e;
        }

        var wanted = family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
        // This throws HostNotFound if the name does not exist.
        if (ask(name, AddressFamily.Unspecified).Any(address => address.AddressFamily == family))
        {
            throw failure ?? new SocketException((int)SocketError.NoData);
        }

        throw new SocketException((int)SocketError.AddressFamilyNotSupported, $"the name has no {wanted} address");
    }

    /// <summary>Returns the pending lookup of a name, or begins a new one.</summary>
    private Lookup Join(string name)
    {
        lock (_lock)
        {
            if (_lookups.TryGetValue(name, out var known))
            {
                return known;
            }

            var lookup = _lookups[name] = new Lookup(name) { IsLate = _late.Contains(name) };
            if (!MayStart(lookup) || !TryStart(lookup))
            {
                _waiting.AddLast(lookup);
            }

            return lookup;
        }
    }

    /// <summary>Marks a name as late after a caller gave up on it. A lookup that still waits for a thread is not late.</summary>
    private void Leave(Lookup lookup)
    {
        lock (_lock)
        {
            if (!lookup.IsRunning)
            {
                return;
            }

            lookup.IsLeft = true;
            if (!lookup.IsLate)
            {
                lookup.IsLate = true;
                _runningLate++;
                _late.Add(lookup.Name);
            }
        }
    }

    private bool MayStart(Lookup lookup) => _running < MaxThreads && (!lookup.IsLate || _runningLate < MaxOfLate);

    /// <summary>Starts a thread for a lookup; false if the system allows no more threads, and a running one will take the lookup.</summary>
    /// <exception cref="SocketException">The system allows no thread, and none is running.</exception>
    private bool TryStart(Lookup lookup)
    {
        Begin(lookup);
        try
        {
            new Thread(() => Run(lookup)) { IsBackground = true, Name = "name lookup" }.UnsafeStart();
            return true;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            End(lookup);
            if (_running > 0)
            {
                return false;
            }

            _lookups.Remove(lookup.Name);
            throw new SocketException((int)SocketError.NoBufferSpaceAvailable, "no thread can be started");
        }
    }

    /// <summary>Looks up one name after another, until no waiting lookup may use this thread.</summary>
    private void Run(Lookup? lookup)
    {
        while (lookup is not null)
        {
            IPAddress[]? addresses = null;
            Exception? failure = null;
            try
            {
                addresses = lookUp(lookup.Name);
            }
            catch (Exception e)
            {
                // Any exception goes to the caller; unhandled on this thread, it would end the process.
                failure = e;
            }

            var done = lookup;
            lock (_lock)
            {
                End(done);
                _lookups.Remove(done.Name);
                if (!done.IsLeft && IsAnswer(failure))
                {
                    _late.Remove(done.Name);
                }

                lookup = Next();
            }

            done.Tell(addresses, failure);
        }
    }

    /// <summary>Begins the first waiting lookup that may start, and returns it; null if there is none.</summary>
    private Lookup? Next()
    {
        for (var at = _waiting.First; at is not null; at = at.Next)
        {
            if (MayStart(at.Value))
            {
                _waiting.Remove(at);
                Begin(at.Value);
                return at.Value;
            }
        }

        return null;
    }

    /// <summary>Whether the resolver answered. "No such name" and "no such address" are answers too.</summary>
    private static bool IsAnswer(Exception? failure) =>
        failure is null or SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.AddressFamilyNotSupported };

    private void Begin(Lookup lookup)
    {
        lookup.IsRunning = true;
        _running++;
        _runningLate += lookup.IsLate ? 1 : 0;
    }

    private void End(Lookup lookup)
    {
        lookup.IsRunning = false;
        _running--;
        _runningLate -= lookup.IsLate ? 1 : 0;
    }

    private sealed class Lookup(string name)
    {
        public string Name => name;

        public TaskCompletionSource<IPAddress[]> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsRunning { get; set; }

        /// <summary>Whether the lookup counts as one of a late name.</summary>
        public bool IsLate { get; set; }

        /// <summary>Whether a caller gave up while the lookup ran.</summary>
        public bool IsLeft { get; set; }

        public void Tell(IPAddress[]? addresses, Exception? failure)
        {
            if (failure is null)
            {
                Answer.SetResult(addresses!);
                return;
            }

            Answer.SetException(failure);
            // Mark the exception as observed: every caller may have given up.
            _ = Answer.Task.Exception;
        }
    }
}
