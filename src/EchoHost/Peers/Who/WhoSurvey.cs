using System.Net;

namespace EchoHost.Peers.Who;

/// <summary>Makes many connections to a <c>Who</c> endpoint and counts who answers.</summary>
/// <param name="target">The endpoint; behind a balancer, the balancer's address.</param>
/// <param name="client">Makes the connections.</param>
/// <param name="timeout">The time limit for each.</param>
/// <param name="claimed">The source address that PROXY headers claim; null for the connection's own.</param>
internal sealed class WhoSurvey(PeerTarget target, PeerClient client, TimeSpan timeout, IPAddress? claimed = null)
{
    public PeerTarget Target => target;

    /// <summary>The counts so far.</summary>
    public WhoTally Tally { get; } = new();

    /// <summary>Makes <paramref name="count"/> connections, at most <paramref name="parallel"/> at a time.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was canceled; the tally holds what is known until then.</exception>
    public Task RunAsync(int count, int parallel, CancellationToken stop) => Parallel.ForAsync(
        0,
        count,
        new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = stop },
        (_, token) => VisitAsync(token));

    /// <summary>Makes one connection after another, one each <paramref name="interval"/>, until the token is canceled.</summary>
    public async Task RunUntilAsync(TimeSpan interval, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(interval);
        try
        {
            do
            {
                await VisitAsync(stop);
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Done.
        }
    }

    private async ValueTask VisitAsync(CancellationToken stop)
    {
        using var limit = new TimeLimit(timeout, TimeProvider.System, stop);
        try
        {
            var visit = await client.VisitAsync(target, limit);
            Tally.Connected(visit.Connection);
            Tally.Answered(visit, claimed ?? (visit.Local as IPEndPoint)?.Address);
        }
        catch (PeerException e)
        {
            Tally.Failed(e);
        }
    }
}
