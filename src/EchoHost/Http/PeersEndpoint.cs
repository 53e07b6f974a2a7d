using System.Text;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;

namespace EchoHost.Http;

/// <summary>
/// The endpoints of the mesh: <c>GET /peers</c> lists the peers, <c>POST /peers/{name}/messages</c> sends a message to one.
/// </summary>
internal static class PeersEndpoint
{
    /// <summary>The maximum length of a message in bytes.</summary>
    private const int MaxBytes = 1024 * 1024;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void MapPeers(this IEndpointRouteBuilder app)
    {
        app.MapMethods("/peers", [HttpMethods.Get, HttpMethods.Head], ListAsync);
        app.MapPost("/peers/{name}/messages", SendAsync).AddEndpointFilter(AdminEndpoints.RequireTokenAsync);
    }

    private static Task ListAsync(HttpContext context, PeerListing listing) => CostlyAnswer.WriteAsync(context, PeerListing.ContentType, listing.GetAsync);

    /// <summary>
    /// Sends the text of the body to a peer over a new connection, and answers with the echo: 404 if there is no peer with
    /// that name, 502 if the text did not come back the same.
    /// </summary>
    private static async Task<IResult> SendAsync(
        string name,
        HttpContext context,
        PeerList peers,
        PeerClient client,
        MeshOptions options,
        TimeProvider time)
    {
        if (peers.Find(Uri.UnescapeDataString(name)) is not { } peer)
        {
            return new HttpProblem(StatusCodes.Status404NotFound, $"no peer is called '{name}'");
        }

        try
        {
            var message = await RequestBody.ReadAsync(context, MaxBytes);
            var text = Strict.GetString(message);
            if (message.Length == 0)
            {
                return new HttpProblem(StatusCodes.Status400BadRequest, "the body is empty; there is nothing to send");
            }

            using var limit = new TimeLimit(options.Timeout, time, context.RequestAborted);
            await using var connection = await client.ConnectAsync(peer.Target, limit);
            var roundTrip = (await connection.EchoAsync(message, limit)).RoundTrip;
            var answer = new PeerAnswer(peer.Name, text, Identical: true, Math.Round(roundTrip.TotalMilliseconds, 3));
            return Results.Json(answer, PeersJson.Default.PeerAnswer);
        }
        catch (BadHttpRequestException e)
        {
            return RequestBody.ProblemOf(e, MaxBytes);
        }
        catch (DecoderFallbackException)
        {
            return new HttpProblem(StatusCodes.Status400BadRequest, "the body is not UTF-8 text");
        }
        catch (PeerException e)
        {
            return new HttpProblem(StatusCodes.Status502BadGateway, $"{e.Result.Label()}: {e.Message}{e.ReceivedText}");
        }
    }
}
