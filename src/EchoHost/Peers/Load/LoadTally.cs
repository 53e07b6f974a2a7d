namespace EchoHost.Peers.Load;

/// <summary>What all connections of a load test count together.</summary>
internal sealed class LoadTally
{
    private readonly long[] _errors = new long[Enum.GetValues<ProbeResult>().Length];
    private long _connections;
    private string? _firstError;

    /// <summary>The latencies of the messages that came back.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>How many connections were made.</summary>
    public long Connections => Volatile.Read(ref _connections);

    /// <summary>What the first failure said; null where there was none.</summary>
    public string? FirstError => Volatile.Read(ref _firstError);

    /// <summary>All failures together.</summary>
    public long Errors => _errors.Sum();

    /// <summary>The failures by class, those alone that there were.</summary>
    public IEnumerable<KeyValuePair<ProbeResult, long>> ErrorsByClass =>
        Enum.GetValues<ProbeResult>().Select(result => KeyValuePair.Create(result, ErrorsOf(result))).Where(error => error.Value > 0);

    public long ErrorsOf(ProbeResult result) => Volatile.Read(ref _errors[(int)result]);

    public void Connected() => Interlocked.Increment(ref _connections);

    /// <summary>Counts what did not come back, or a connection that could not be made.</summary>
    public void Failed(PeerException failure, long messages = 1)
    {
        Interlocked.Add(ref _errors[(int)failure.Result], messages);
        Interlocked.CompareExchange(ref _firstError, $"{failure.Result.Label()}: {failure.Message}", null);
    }
}
