using System.Diagnostics.Metrics;

namespace EchoHost.Metrics;

/// <summary>The counters of one endpoint, with a method for each event.</summary>
internal sealed class EndpointMetrics(string endpoint, Histogram<double> duration)
{
    private readonly StripedCounter _active = new();
    private readonly StripedCounter _accepted = new();
    private readonly StripedCounter _empty = new();
    private readonly StripedCounter _received = new();
    private readonly StripedCounter _sent = new();
    private readonly StripedCounter _messages = new();
    private readonly StripedCounter[] _rejected = Counters(Enum.GetValues<RejectReason>().Length);
    private readonly StripedCounter[] _acceptErrors = Counters(Enum.GetValues<AcceptErrorReason>().Length);
    private readonly StripedCounter[] _faults = Counters(Enum.GetValues<FaultKind>().Length);
    private readonly StripedCounter[] _proxyHeaders = Counters(ProxyOutcomes.Length);

    public string Endpoint { get; } = endpoint;

    public KeyValuePair<string, object?> EndpointTag { get; } = new("endpoint", endpoint);

    public long Active => _active.Value;

    public long Accepted => _accepted.Value;

    public long Empty => _empty.Value;

    public long ReceivedBytes => _received.Value;

    public long SentBytes => _sent.Value;

    public long Messages => _messages.Value;

    public long RejectedFor(RejectReason reason) => _rejected[(int)reason].Value;

    /// <summary>The possible combinations of version and result; version 0 stands for a connection without a header.</summary>
    public static (int Version, ProxyResult Result)[] ProxyOutcomes { get; } =
    [
        (0, ProxyResult.Missing), (0, ProxyResult.Untrusted), (0, ProxyResult.Timeout),
        (1, ProxyResult.Ok), (1, ProxyResult.Local), (1, ProxyResult.Malformed),
        (2, ProxyResult.Ok), (2, ProxyResult.Local), (2, ProxyResult.Malformed), (2, ProxyResult.Checksum),
    ];

    public long ProxyHeadersOf((int Version, ProxyResult Result) outcome) => _proxyHeaders[Array.IndexOf(ProxyOutcomes, outcome)].Value;

    public void ProxyHeader(int version, ProxyResult result) => _proxyHeaders[Array.IndexOf(ProxyOutcomes, (version, result))].Add(1);

    public long AcceptErrorsFor(AcceptErrorReason reason) => _acceptErrors[(int)reason].Value;

    public void AcceptFailed(AcceptErrorReason reason) => _acceptErrors[(int)reason].Add(1);

    public long FaultsOf(FaultKind fault) => _faults[(int)fault].Value;

    public void Faulty(FaultKind fault) => _faults[(int)fault].Add(1);

    public void Opened()
    {
        _active.Add(1);
        _accepted.Add(1);
    }

    public void Closed(TimeSpan age, CloseReason reason, bool isEmpty)
    {
        _active.Add(-1);
        if (isEmpty)
        {
            _empty.Add(1);
        }

        duration.Record(age.TotalSeconds, EndpointTag, new("reason", reason.Label()));
    }

    public void Rejected(RejectReason reason) => _rejected[(int)reason].Add(1);

    public void Received(long bytes)
    {
        _messages.Add(1);
        _received.Add(bytes);
    }

    public void Sent(long bytes) => _sent.Add(bytes);

    /// <summary>
    /// Uses plain arrays and loops: dictionaries and LINQ over enums and tuples are not precompiled, which slows the start.
    /// </summary>
    private static StripedCounter[] Counters(int count)
    {
        var counters = new StripedCounter[count];
        foreach (ref var counter in counters.AsSpan())
        {
            counter = new StripedCounter();
        }

        return counters;
    }
}
