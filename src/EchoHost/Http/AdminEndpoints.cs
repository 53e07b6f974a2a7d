using System.Net;
using System.Security.Cryptography;
using System.Text;
using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using EchoHost.Text;
using Microsoft.Net.Http.Headers;

namespace EchoHost.Http;

/// <summary>
/// Requests that change something. They need the bearer token (RFC 6750) of <c>Admin:Token</c>; without a configured token
/// they are 404.
/// </summary>
internal static partial class AdminEndpoints
{
    private const string Scheme = "Bearer";

    public static void MapAdmin(this IEndpointRouteBuilder app) =>
        app.MapDelete("/connections/{id}", Close).AddEndpointFilter(RequireTokenAsync);

    /// <summary>Closes a connection gracefully; aborts it if its client does not take the echo that is waiting for it.</summary>
    private static IResult Close(string id, ConnectionRegistry registry, HttpContext call, ILoggerFactory loggers)
    {
        if (!registry.TryGet(id, out var connection))
        {
            return ConnectionsEndpoint.NotFound(id);
        }

        // Logged here, because the line for the connection's end may be left out if many end at once.
        LogClosing(loggers.CreateLogger(typeof(AdminEndpoints)), connection.Client, Administrator(call), id);
        if (connection.IsSending)
        {
            connection.Abort(CloseReason.Admin);
        }
        else
        {
            connection.RequestClose(CloseReason.Admin);
        }

        return Results.NoContent();
    }

    /// <summary>The address of the client of a call, for the log.</summary>
    public static string Administrator(HttpContext call) =>
        ClientAddress.Format(new IPEndPoint(call.Connection.RemoteIpAddress ?? IPAddress.None, call.Connection.RemotePort));

    /// <summary>Admits a request with the right token; 401 with a wrong one or none, 404 if no token is configured.</summary>
    public static async ValueTask<object?> RequireTokenAsync(EndpointFilterInvocationContext call, EndpointFilterDelegate next)
    {
        var context = call.HttpContext;
        var token = context.RequestServices.GetRequiredService<AdminOptions>().Token;
        if (token.Length == 0)
        {
            return new HttpProblem(StatusCodes.Status404NotFound, null);
        }

        if (IsToken(context.Request.Headers.Authorization.ToString(), token))
        {
            return await next(call);
        }

        context.Response.Headers[HeaderNames.WWWAuthenticate] = Scheme;
        return new HttpProblem(StatusCodes.Status401Unauthorized, "the bearer token is missing or wrong");
    }

    /// <summary>Compares hashes, whose length is fixed, so the time does not depend on the header.</summary>
    private static bool IsToken(string authorization, string token)
    {
        var isScheme = authorization.StartsWith($"{Scheme} ", StringComparison.OrdinalIgnoreCase);
        var given = isScheme ? authorization[(Scheme.Length + 1)..].Trim() : "";
        return CryptographicOperations.FixedTimeEquals(Hash(given), Hash(token)) && isScheme;
    }

    // A parameter that the message does not use becomes a property of the event under its own name, hence the upper case.
#pragma warning disable SYSLIB1015
    [LoggerMessage(1, LogLevel.Information, "Administrator at {Administrator:l} ends the connection of peer {Peer:l}")]
    private static partial void LogClosing(ILogger logger, string peer, string administrator, string ConnectionId);
#pragma warning restore SYSLIB1015

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
