namespace EchoHost.Peers.Load;

/// <summary>The counters of a load test, shared by all its connections.</summary>
internal sealed class LoadTally : ConnectionTally
{
    /// <summary>The latencies of the messages that came back.</summary>
    public LatencyHistogram Latency { get; } = new();
}
