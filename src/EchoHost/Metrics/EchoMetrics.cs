using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using EchoHost.Identity;
using EchoHost.Logging;

namespace EchoHost.Metrics;

/// <summary>
/// The instruments of the meter <c>EchoHost</c>. Endpoints count in cells of their own, which are read at collection. So a
/// message costs no instrument call, and every series exists from the start.
/// </summary>
internal sealed class EchoMetrics
{
    public const string MeterName = "EchoHost";

    /// <summary>The HTTP endpoint's value of the label <c>endpoint</c>.</summary>
    public const string HttpEndpoint = "http";

    /// <summary>The instrument whose labels give the version.</summary>
    public const string BuildName = "echohost.build";

    private static readonly int RejectReasons = Enum.GetValues<RejectReason>().Length;

    /// <summary>The version as <c>--version</c> prints it.</summary>
    public static readonly string Version =
        typeof(EchoMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private readonly Dictionary<string, EndpointMetrics> _endpoints;
    private readonly HashSet<string> _withProxyProtocol;
    private readonly EndpointMetrics _http;

    /// <param name="meters">Creates the meter.</param>
    /// <param name="endpoints">The endpoints to count, the HTTP endpoint among them.</param>
    /// <param name="instance">Names this host.</param>
    public EchoMetrics(IMeterFactory meters, IReadOnlyList<MeteredEndpoint> endpoints, Instance instance)
    {
        var meter = meters.Create(MeterName);
        var duration = meter.CreateHistogram(
            "echohost.connection.duration",
            "s",
            "How long connections lasted, by why they ended.",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 14400, 86400],
            });
        _endpoints = endpoints
            .Where(e => e.Name != HttpEndpoint)
            .ToDictionary(e => e.Name, e => new EndpointMetrics(e.Name, duration), StringComparer.OrdinalIgnoreCase);
        _http = new EndpointMetrics(HttpEndpoint, duration);
        _withProxyProtocol = [.. endpoints.Where(e => e.TakesProxyHeaders).Select(e => e.Name)];

        KeyValuePair<string, object?>[] build =
            [new("version", Version), .. instance.Labels.Select(label => new KeyValuePair<string, object?>(label.Key, label.Value))];
        meter.CreateObservableGauge(BuildName, () => new Measurement<int>(1, build), description: "Always 1; the labels say what runs, and where.");
        meter.CreateObservableUpDownCounter("echohost.connections.active", () => Observe(e => e.Active), "{connection}", "Connections open now.");
        meter.CreateObservableCounter("echohost.connections.accepted", () => Observe(e => e.Accepted), "{connection}", "Connections let in.");
        meter.CreateObservableCounter(
            "echohost.connections.empty",
            () => Observe(e => e.Empty),
            "{connection}",
            "Connections that ended without a byte, from the client or as an answer.");
        meter.CreateObservableCounter("echohost.connections.rejected", ObserveRejected, "{connection}", "Connections rejected, by reason.");
        meter.CreateObservableCounter("echohost.io.received", () => Observe(e => e.ReceivedBytes), "By", "Bytes received from clients.");
        meter.CreateObservableCounter("echohost.io.sent", () => Observe(e => e.SentBytes), "By", "Bytes sent to clients.");
        meter.CreateObservableCounter("echohost.accept.errors", ObserveAcceptErrors, "{error}", "Failures to accept a connection, by reason.");
        meter.CreateObservableCounter("echohost.proxy.headers", ObserveProxyHeaders, "{header}", "PROXY protocol headers awaited, by what came.");
        meter.CreateObservableCounter("echohost.faults", ObserveFaults, "{connection}", "Connections that got a fault on purpose.");
        meter.CreateObservableCounter(
            "echohost.log.dropped",
            () => DroppedEvents.Monitor.Count,
            "{event}",
            "Log events dropped, since what they are written to was too slow.");
        meter.CreateObservableCounter("echohost.messages", () => Observe(e => e.Messages), "{message}", "Messages: reads that returned bytes.");
    }

    /// <summary>
    /// The counters of an endpoint. Of the HTTP endpoint's, only rejections, accept errors and PROXY headers are exported.
    /// </summary>
    public EndpointMetrics For(string endpoint) => endpoint == _http.Endpoint ? _http : _endpoints[endpoint];

    /// <summary>Sums up the main counters of all endpoints; of the HTTP endpoint's, only rejections.</summary>
    public ActivityTotals Total()
    {
        var totals = default(ActivityTotals) with { Rejected = new long[RejectReasons] };
        AddRejected(totals.Rejected, _http);
        foreach (var endpoint in _endpoints.Values)
        {
            totals = totals with
            {
                Connections = totals.Connections + endpoint.Active,
                Messages = totals.Messages + endpoint.Messages,
                Received = totals.Received + endpoint.ReceivedBytes,
                Sent = totals.Sent + endpoint.SentBytes,
            };
            AddRejected(totals.Rejected, endpoint);
        }

        return totals;
    }

    private static void AddRejected(long[] rejected, EndpointMetrics endpoint)
    {
        for (var reason = 0; reason < rejected.Length; reason++)
        {
            rejected[reason] += endpoint.RejectedFor((RejectReason)reason);
        }
    }

    private IEnumerable<Measurement<long>> Observe(Func<EndpointMetrics, long> read) =>
        _endpoints.Values.Select(e => new Measurement<long>(read(e), e.EndpointTag));

    private IEnumerable<Measurement<long>> ObserveAcceptErrors() =>
        from endpoint in _endpoints.Values.Append(_http)
        from reason in Enum.GetValues<AcceptErrorReason>()
        select new Measurement<long>(endpoint.AcceptErrorsFor(reason), endpoint.EndpointTag, new("reason", reason.Label()));

    private IEnumerable<Measurement<long>> ObserveProxyHeaders() =>
        from endpoint in _withProxyProtocol
        from outcome in EndpointMetrics.ProxyOutcomes
        let metrics = For(endpoint)
        let version = outcome.Version == 0 ? "none" : outcome.Version.ToString(CultureInfo.InvariantCulture)
        select new Measurement<long>(metrics.ProxyHeadersOf(outcome), metrics.EndpointTag, new("version", version), new("result", outcome.Result.Label()));

    private IEnumerable<Measurement<long>> ObserveFaults() =>
        from endpoint in _endpoints.Values
        from fault in Enum.GetValues<FaultKind>()
        select new Measurement<long>(endpoint.FaultsOf(fault), endpoint.EndpointTag, new("fault", fault.Label()));

    private IEnumerable<Measurement<long>> ObserveRejected() =>
        from endpoint in _endpoints.Values.Append(_http)
        from reason in Enum.GetValues<RejectReason>()
        select new Measurement<long>(endpoint.RejectedFor(reason), endpoint.EndpointTag, new("reason", reason.Label()));
}
