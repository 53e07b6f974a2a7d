using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>Queries that tests of the mesh make to a host.</summary>
internal static class MeshHost
{
    /// <summary>A short interval between probes.</summary>
    public const string Interval = "Peers:Interval=00:00:00.2";

    /// <summary>Starts a host that resolves names with <paramref name="resolver"/>.</summary>
    public static Task<EchoHostFixture> StartAsync(INameResolver resolver, params string[] settings) =>
        EchoHostFixture.StartAsync(services => services.AddSingleton(resolver), [Interval, .. settings]);

    public static string[] Targets(params string[] names) => [.. names.Select((name, i) => $"Peers:Targets:{i}={name}")];

    /// <summary>The peers of <c>/peers</c>, by name.</summary>
    public static async Task<IReadOnlyDictionary<string, JsonElement>> PeersAsync(this EchoHostFixture host) =>
        (await host.Http.GetFromJsonAsync<JsonElement>("/peers"))
            .GetProperty("peers")
            .EnumerateArray()
            .ToDictionary(peer => peer.GetProperty("name").GetString()!);

    /// <summary>A peer's state in <c>/peers</c>; null if it is not there.</summary>
    public static async Task<string?> StateAsync(this EchoHostFixture host, string name) =>
        (await host.PeersAsync()).TryGetValue(name, out var peer) ? peer.GetProperty("state").GetString() : null;

    public static Task UntilStateAsync(this EchoHostFixture host, string name, string state) =>
        Wait.UntilAsync(async () => await host.StateAsync(name) == state, $"{name} is {state}");

    public static Task UntilLoggedAsync(this EchoHostFixture host, string line, int times = 1) =>
        Wait.UntilAsync(() => host.Log.Lines.Count(l => l == line) >= times, line);

    /// <summary>The mesh's log lines about a peer.</summary>
    public static IEnumerable<string> Said(this EchoHostFixture host, string name)
    {
        var start = $"Peer {name} ";
        return host.Log.Entries
            .Where(e => e.Category.EndsWith(".Mesh", StringComparison.Ordinal) && e.Text.StartsWith(start, StringComparison.Ordinal))
            .Select(e => e.Text[start.Length..]);
    }

    /// <summary>The mesh's series and their values.</summary>
    public static async Task<IReadOnlyDictionary<string, double>> SeriesAsync(this EchoHostFixture host) =>
        (await host.MetricsAsync()).Split('\n').Where(l => l.StartsWith("echohost_peer_", StringComparison.Ordinal))
            .ToDictionary(l => l[..l.LastIndexOf(' ')], l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    /// <summary>Waits until no series is left of a peer that left: they go a moment after it is logged.</summary>
    public static Task UntilNoSeriesAsync(this EchoHostFixture host, string peer) => Wait.UntilAsync(
        async () => !(await host.SeriesAsync()).Keys.Any(series => series.Contains($"\"{peer}\"", StringComparison.Ordinal)), $"no series of {peer} is left");

    public static Task UntilMeasuredAsync(this EchoHostFixture host, string series, Predicate<double> value) =>
        Wait.UntilAsync(async () => (await host.SeriesAsync()).TryGetValue(series, out var now) && value(now), series);

    public static async Task<bool> IsReadyAsync(this EchoHostFixture host) => (await host.Http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK;
}
