using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using EchoHost.Configuration;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;
using EchoHost.Drain;

namespace EchoHost.Http;

/// <summary>Who is connected: <c>GET /connections</c> and <c>GET /connections/{id}</c>.</summary>
internal static class ConnectionsEndpoint
{
    private const int DefaultLimit = 1000;
    private const int MostLimit = 10_000;

    private static readonly string[] Parameters = ["limit", "sort", "peer"];

    private static readonly string[] Sorts = ["age", "idle", "received", "rtt"];

    public static void MapConnections(this IEndpointRouteBuilder app)
    {
        app.MapMethods("/connections", [HttpMethods.Get, HttpMethods.Head], List);
        app.MapMethods("/connections/{id}", [HttpMethods.Get, HttpMethods.Head], One);
    }

    /// <summary>
    /// <c>limit</c>: how many at the most (default 1000, at most 10,000). <c>sort</c>: <c>age</c> (the default), <c>idle</c>,
    /// <c>received</c> or <c>rtt</c>, largest first. <c>peer</c>: an address, an address and port, or a network (CIDR).
    /// Anything else is 400, with a problem (RFC 9457) that names the parameter.
    /// </summary>
    private static IResult List(HttpRequest request, ConnectionRegistry registry, DrainState drain, string? limit = null, string? sort = null, string? peer = null)
    {
        if (request.Query.Keys.FirstOrDefault(key => !Parameters.Contains(key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            return Refuse($"{unknown} is no parameter of this call; it has {string.Join(", ", Parameters)}");
        }

        var most = DefaultLimit;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most > MostLimit))
        {
            return Refuse($"limit is '{limit}'; expected a whole number, at most {MostLimit}");
        }

        sort ??= Sorts[0];
        if (!Sorts.Contains(sort, StringComparer.OrdinalIgnoreCase))
        {
            return Refuse($"sort is '{sort}'; expected {string.Join(", ", Sorts)}");
        }

        var found = registry.All();
        if (peer is not null)
        {
            if (PeerFilter(peer) is not { } matches)
            {
                return Refuse($"peer is '{peer}'; expected an address, an address and port, or a network (CIDR)");
            }

            found = found.Where(matches);
        }

        var list = new ConnectionList(Environment.MachineName, drain.Label, registry.Count, Largest(found, sort, most).Select(Describe));
        return Results.Json(list, ConnectionsJson.Default.ConnectionList);
    }

    private static IResult One(string id, ConnectionRegistry registry) => registry.TryGet(id, out var connection)
        ? Results.Json(Describe(connection), ConnectionsJson.Default.ConnectionDescription)
        : NotFound(id);

    public static IResult NotFound(string id) => new HttpProblem(StatusCodes.Status404NotFound, $"no live connection has the id '{id}'");

    private static HttpProblem Refuse(string why) => new HttpProblem(StatusCodes.Status400BadRequest, why);

    private static IEnumerable<TrackedConnection> Largest(IEnumerable<TrackedConnection> connections, string sort, int most)
    {
        Func<TrackedConnection, double> key = sort.ToLowerInvariant() switch
        {
            "idle" => c => c.Idle.Ticks,
            "received" => c => c.ReceivedBytes,
            "rtt" => c => TcpInfo.Read(c.Socket)?.RttMicroseconds ?? -1.0,
            _ => c => c.Age.Ticks,
        };
        // OrderBy evaluates the key once for each, so that one that changes meanwhile does no harm.
        return connections.OrderByDescending(key).Take(most);
    }

    internal static Func<TrackedConnection, bool>? PeerFilter(string peer)
    {
        if (NetworkSet.TryParseOne(peer is ['[', .. var inner, ']'] ? inner : peer, out var network))
        {
            return c => c.PeerIP is { } ip && network.Contains(ip);
        }

        if (peer.StartsWith("unix:", StringComparison.Ordinal))
        {
            return c => string.Equals(c.Peer, peer, StringComparison.OrdinalIgnoreCase);
        }

        // As a connection's own is written, however this one was.
        return AddressText.TryParseEndPoint(peer, out var endPoint) && PeerAddress.Format(endPoint) is var name
            ? c => string.Equals(c.Peer, name, StringComparison.Ordinal)
            : null;
    }

    private static ConnectionDescription Describe(TrackedConnection c) => new(
        c.Id,
        c.Endpoint,
        c.Peer,
        c.Via,
        c.OpenedAt.UtcDateTime,
        Math.Round(c.Age.TotalSeconds, 3),
        Math.Round(c.Idle.TotalSeconds, 3),
        c.ReceivedBytes,
        c.SentBytes,
        c.Messages,
        c.Tls,
        c.Proxied?.Description,
        TcpInfo.Read(c.Socket) is { } tcp ? new TcpDescription(tcp.RttMicroseconds / 1000.0, tcp.MinRttMicroseconds / 1000.0, tcp.Retransmits, tcp.SendQueueBytes) : null);
}

/// <summary>The answer of <c>GET /connections</c>; <c>active</c> counts them all, whatever is shown.</summary>
internal sealed record ConnectionList(string Instance, string State, int Active, IEnumerable<ConnectionDescription> Connections);

/// <summary>One connection as <c>/connections</c> shows it; times in seconds, counts in bytes and messages.</summary>
internal sealed record ConnectionDescription(
    string Id,
    string Endpoint,
    string Peer,
    string? Via,
    DateTime OpenedAt,
    double AgeSeconds,
    double IdleSeconds,
    long ReceivedBytes,
    long SentBytes,
    long Messages,
    TlsDescription? Tls,
    ProxyDescription? Proxy,
    TcpDescription? Tcp);

/// <summary>What the kernel's TCP_INFO says; times in milliseconds.</summary>
internal sealed record TcpDescription(double RttMs, double MinRttMs, uint Retransmits, ulong SendQueueBytes);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ConnectionList))]
[JsonSerializable(typeof(ConnectionDescription))]
internal sealed partial class ConnectionsJson : JsonSerializerContext;
