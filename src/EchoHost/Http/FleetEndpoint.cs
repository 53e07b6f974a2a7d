using EchoHost.Peers.Fleet;

namespace EchoHost.Http;

/// <summary><c>GET /fleet</c>: every host's view of its peers, gathered from their <c>/peers</c>.</summary>
internal static class FleetEndpoint
{
    private const string ContentType = "application/json; charset=utf-8";

    public static void MapFleet(this IEndpointRouteBuilder app) => app.MapMethods("/fleet", [HttpMethods.Get, HttpMethods.Head], AnswerAsync);

    private static Task AnswerAsync(HttpContext context)
    {
        if (HttpProblem.OfParameters(context) is { } problem)
        {
            return problem.ExecuteAsync(context);
        }

        return context.RequestServices.GetService<FleetView>() is not { } fleet
            ? new HttpProblem(StatusCodes.Status404NotFound, "there is no view of the fleet: Peers:HttpPort is not configured").ExecuteAsync(context)
            : AnswerAsync(context, fleet, context.RequestServices.GetRequiredService<FleetListing>());
    }

    private static async Task AnswerAsync(HttpContext context, FleetView fleet, FleetListing listing)
    {
        if (!listing.TryEnter())
        {
            await HttpProblem.TooManyAsync(context, $"at most {FleetListing.MaxReaders} can ask at a time");
            return;
        }

        try
        {
            await CostlyAnswer.WriteAsync(context, ContentType, async cancellationToken =>
            {
                await fleet.RefreshAsync(cancellationToken);
                return await listing.GetAsync(cancellationToken);
            });
        }
        finally
        {
            listing.Leave();
        }
    }
}
