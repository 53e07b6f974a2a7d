using EchoHost.Peers.Fleet;

namespace EchoHost.Http;

/// <summary><c>GET /fleet</c>: every host's view of its peers, gathered from their <c>/peers</c>.</summary>
internal static class FleetEndpoint
{
    private const string ContentType = "application/json; charset=utf-8";

    public static void MapFleet(this IEndpointRouteBuilder app) => app.MapMethods("/fleet", [HttpMethods.Get, HttpMethods.Head], AnswerAsync);

    private static Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Query.Keys.FirstOrDefault() is { } unknown)
        {
            return new HttpProblem(StatusCodes.Status400BadRequest, $"{unknown} is no parameter of this call; it has none").ExecuteAsync(context);
        }

        var services = context.RequestServices;
        return services.GetService<FleetView>() is not { } fleet
            ? new HttpProblem(StatusCodes.Status404NotFound, "there is no view of the fleet: Peers:HttpPort is not configured").ExecuteAsync(context)
            : CostlyAnswer.WriteAsync(context, ContentType, async cancellationToken =>
            {
                await fleet.RefreshAsync(cancellationToken);
                return await services.GetRequiredService<FleetListing>().GetAsync(cancellationToken);
            });
    }
}
