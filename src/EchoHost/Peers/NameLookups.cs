using System.Net;
using System.Net.Sockets;

namespace EchoHost.Peers;

/// <summary>
/// Looks names up on threads of its own. The system's resolver blocks the thread that asks it, for as long as a name
/// server is silent; on the shared thread pool, a few silent names would hold up everything else in the process.
/// <para>A name is looked up once at a time, for all callers. Being canceled ends the waiting at once; the thread
/// goes on in the background, and ends when the resolver gives up.</para>
/// <para>There are <see cref="MaxThreads"/> at the most. A name for whose answer a caller waited in vain is late, until it
/// is answered in time, and late names have no more than <see cref="MaxOfLate"/> of the threads: the others are for names
/// that are answered. What finds no thread keeps its place in one queue, also where its caller gives up and another comes
/// later, so that each name has its turn.</para>
/// </summary>
/// <param name="lookUp">Asks the resolver, and blocks until it answers.</param>
internal sealed class NameLookups(Func<string, IPAddress[]> lookUp) : INameResolver
{
    /// <summary>How many lookups are under way at the most, each on a thread.</summary>
    public const int MaxThreads = 64;

    /// <summary>How many of them are of names that were not answered in time.</summary>
    public const int MaxOfLate = MaxThreads * 3 / 4;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Lookup> _lookups = new(StringComparer.OrdinalIgnoreCase);
    private readonly LinkedList<Lookup> _waiting = [];
    private readonly HashSet<string> _late = new(StringComparer.OrdinalIgnoreCase);
    private int _running;
    private int _runningLate;

    /// <summary>How many lookups are under way now.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>The system's own resolver (getaddrinfo): <c>/etc/hosts</c>, DNS, search domains and its other configured sources.</summary>
    /// <param name="family">IPv4 or IPv6 alone; unspecified asks for both.</param>
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

    /// <summary>Asks for addresses of one family. The system says of a name that has none of them the same as of one that there is not.</summary>
    /// <exception cref="SocketException">There is no such name, or it has no such address, or the resolver failed.</exception>
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
        // Where the name does not exist at all, this says so.
        return ask(name, AddressFamily.Unspecified).Any(address => address.AddressFamily == family)
            ? throw failure ?? new SocketException((int)SocketError.NoData)
            : throw new SocketException((int)SocketError.AddressFamilyNotSupported, $"the name has no {wanted} address");
    }

    /// <summary>The lookup of this name that is under way or waits for a thread, or a new one.</summary>
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

    /// <summary>A caller has waited in vain. A name that did not even have its turn is not to blame.</summary>
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

    /// <summary>Starts a thread; false where the system has none to give, and those that run are to go on with it.</summary>
    /// <exception cref="SocketException">There is none that runs.</exception>
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

    /// <summary>Looks up one name after the other, until none waits that may have this thread.</summary>
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
                // Any exception goes to the caller; on this thread it would end the process.
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

    /// <summary>The first that may start, and has begun by that; null where there is none.</summary>
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

    /// <summary>That there is no such name, or address of its, is an answer too.</summary>
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

        /// <summary>Whether it counts as that of a late name.</summary>
        public bool IsLate { get; set; }

        /// <summary>Whether a caller has given up while it ran.</summary>
        public bool IsLeft { get; set; }

        public void Tell(IPAddress[]? addresses, Exception? failure)
        {
            if (failure is null)
            {
                Answer.SetResult(addresses!);
                return;
            }

            Answer.SetException(failure);
            // Seen, even where no caller is left.
            _ = Answer.Task.Exception;
        }
    }
}
