using System.Collections.Concurrent;
using System.Net;

namespace EchoHost.Peers;

/// <summary>Counts many connections to one peer, made at the same time: where they went, and what failed.</summary>
internal class ConnectionTally
{
    private readonly long[] _errors = new long[Enum.GetValues<ProbeResult>().Length];
    private readonly ConcurrentDictionary<EndPoint, long> _addresses = [];
    private readonly ConcurrentDictionary<IPAddress, string> _passed = [];
    private long _connections;
    private string? _firstError;

    /// <summary>The number of connections made.</summary>
    public long Connections => Volatile.Read(ref _connections);

    /// <summary>The message of the first failure; null if there was none.</summary>
    public string? FirstError => Volatile.Read(ref _firstError);

    /// <summary>The number of failures of all classes.</summary>
    public long Errors => _errors.Sum();

    /// <summary>The number of failures by class, without the classes that have none.</summary>
    public IEnumerable<KeyValuePair<ProbeResult, long>> ErrorsByClass =>
        Enum.GetValues<ProbeResult>().Select(result => KeyValuePair.Create(result, ErrorsOf(result))).Where(error => error.Value > 0);

    public long ErrorsOf(ProbeResult result) => Volatile.Read(ref _errors[(int)result]);

    /// <summary>The addresses that accepted connections, and how many each.</summary>
    public IEnumerable<KeyValuePair<EndPoint, long>> Addresses => _addresses
        .OrderByDescending(address => address.Value)
        .ThenBy(address => address.Key.ToString(), StringComparer.Ordinal);

    /// <summary>The addresses that did not accept when another one did, each with its first failure.</summary>
    public IEnumerable<KeyValuePair<IPAddress, string>> Passed => _passed.OrderBy(passed => passed.Key.ToString(), StringComparer.Ordinal);

    /// <summary>Counts a new connection.</summary>
    public void Connected(PeerConnection connection)
    {
        Interlocked.Increment(ref _connections);
        _addresses.AddOrUpdate(connection.RemoteEndPoint, 1, static (_, count) => count + 1);
        foreach (var (address, failure) in connection.Passed)
        {
            _passed.TryAdd(address, $"{failure.Result.Label()}: {failure.Message}");
        }
    }

    /// <summary>Counts messages that did not come back, or a connection that could not be made.</summary>
    public void Failed(PeerException failure, long messages = 1)
    {
        Interlocked.Add(ref _errors[(int)failure.Result], messages);
        Interlocked.CompareExchange(ref _firstError, $"{failure.Result.Label()}: {failure.Message}", null);
    }
}
