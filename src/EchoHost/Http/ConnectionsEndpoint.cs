using System.Globalization;
using EchoHost.Configuration;
using EchoHost.Connections.Tracking;
using EchoHost.Text;

namespace EchoHost.Http;

/// <summary>Lists open connections: <c>GET /connections</c> and <c>GET /connections/{id}</c>.</summary>
internal static class ConnectionsEndpoint
{
    private const int DefaultLimit = 1000;
    private const int MaxLimit = 10_000;
    private const string ContentType = "application/json; charset=utf-8";

    private static readonly string[] Parameters = ["limit", "sort", "peer"];

    private static readonly string[] Sorts = [.. Enum.GetNames<ConnectionOrder>().Select(name => name.ToLowerInvariant())];

    public static void MapConnections(this IEndpointRouteBuilder app)
    {
        app.MapMethods("/connections", [HttpMethods.Get, HttpMethods.Head], ListAsync);
        app.MapMethods("/connections/{id}", [HttpMethods.Get, HttpMethods.Head], One);
    }

    /// <summary>
    /// <c>limit</c>: the maximum number (default 1000, at most 10,000). <c>sort</c>: <c>age</c> (the default), <c>idle</c>,
    /// <c>received</c> or <c>rtt</c>, largest first. <c>peer</c>: an address, an address and port, or a network (CIDR).
    /// Anything else is 400, with a problem (RFC 9457) that names the parameter.
    /// </summary>
    private static async Task ListAsync(HttpContext context, ConnectionListings listings, string? limit = null, string? sort = null, string? peer = null)
    {
        if (ProblemOf(context.Request.Query.Keys, limit, sort, peer, out var query, out var matches) is { } problem)
        {
            await new HttpProblem(StatusCodes.Status400BadRequest, problem).ExecuteAsync(context);
        }
        else
        {
            await CostlyAnswer.WriteAsync(context, ContentType, cancellationToken => listings.GetAsync(query, matches, cancellationToken));
        }
    }

    /// <summary>Describes what is wrong with the parameters; null if they are valid.</summary>
    private static string? ProblemOf(
        IEnumerable<string> parameters, string? limit, string? sort, string? peer, out ConnectionQuery query, out Func<TrackedConnection, bool>? matches)
    {
        var most = DefaultLimit;
        var order = Array.FindIndex(Sorts, name => name.Equals(sort ?? Sorts[0], StringComparison.OrdinalIgnoreCase));
        matches = peer is null ? null : ClientFilter(peer);
        var problem = parameters.FirstOrDefault(key => !Parameters.Contains(key, StringComparer.OrdinalIgnoreCase)) is { } unknown
            ? $"{unknown} is no parameter of this call; it has {string.Join(", ", Parameters)}"
            : limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most > MaxLimit)
                ? $"limit is '{limit}'; expected a whole number, at most {MaxLimit}"
            : order < 0 ? $"sort is '{sort}'; expected {string.Join(", ", Sorts)}"
            : peer is not null && matches is null ? $"peer is '{peer}'; expected an address, an address and port, or a network (CIDR)"
            : null;
        query = new ConnectionQuery(most, (ConnectionOrder)order, peer);
        return problem;
    }

    private static IResult One(string id, ConnectionRegistry registry) => registry.TryGet(id, out var connection)
        ? Results.Json(ConnectionDescription.Of(connection), ConnectionsJson.Default.ConnectionDescription)
        : NotFound(id);

    public static IResult NotFound(string id) => new HttpProblem(StatusCodes.Status404NotFound, $"no live connection has the id '{id}'");

    internal static Func<TrackedConnection, bool>? ClientFilter(string peer)
    {
        if (NetworkSet.TryParseOne(peer is ['[', .. var inner, ']'] ? inner : peer, out var network))
        {
            return c => c.ClientIP is { } ip && network.Contains(ip);
        }

        if (peer.StartsWith("unix:", StringComparison.Ordinal))
        {
            return c => string.Equals(c.Client, peer, StringComparison.OrdinalIgnoreCase);
        }

        // Normalise to the form in which connections show their address.
        return AddressText.TryParseEndPoint(peer, out var endPoint) && ClientAddress.Format(endPoint) is var name
            ? c => string.Equals(c.Client, name, StringComparison.Ordinal)
            : null;
    }
}
