using System.Net;

namespace EchoHost.Peers.Who;

/// <summary>Makes many connections to a <c>Who</c> endpoint and counts which instances answer.</summary>
/// <param name="target">The endpoint; behind a balancer, the balancer's address.</param>
/// <param name="client">Makes the connections.</param>
/// <param name="timeout">The time limit for each.</param>
/// <param name="claimed">The source address that PROXY headers claim; null for the connection's own.</param>
internal sealed class WhoSurvey(PeerTarget target, PeerClient client, TimeSpan timeout, IPAddress? claimed = null)
{
    /// <summary>The maximum number of connections under way of a survey without a count.</summary>
    private const int MaxUnderWay = 20;

    public PeerTarget Target => target;

    /// <summary>The counts so far.</summary>
    public WhoTally Tally { get; } = new();

    /// <summary>Makes the first connection's times those of the path; see <see cref="PeerClient.WarmUpWhoAsync"/>.</summary>
    public Task WarmUpAsync(CancellationToken stop) => client.WarmUpWhoAsync(target, stop);

    /// <summary>Makes <paramref name="count"/> connections, at most <paramref name="parallel"/> at a time.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was canceled; the tally holds what is known until then.</exception>
    public Task RunAsync(int count, int parallel, CancellationToken stop) => Parallel.ForAsync(
        0,
        count,
        new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = stop },
        (_, token) => VisitAsync(token));

    /// <summary>
    /// Makes a connection each <paramref name="interval"/> until <paramref name="over"/> is canceled, and waits for the answers of
    /// those under way.
    /// </summary>
    /// <param name="interval">The time from one connection to the next.</param>
    /// <param name="over">Ends the survey.</param>
    /// <param name="stop">Gives up the connections under way.</param>
    public async Task RunUntilAsync(TimeSpan interval, CancellationToken over, CancellationToken stop)
    {
        // Not one after another: an instance that hangs must not hide the others.
        using var room = new SemaphoreSlim(MaxUnderWay);
        using var timer = new PeriodicTimer(interval);
        List<Task> visits = [];
        do
        {
            visits.RemoveAll(visit => visit.IsCompletedSuccessfully);
            if (await room.WaitAsync(TimeSpan.Zero, CancellationToken.None))
            {
                visits.Add(VisitInAsync(room, stop));
            }
        }
        while (await NextAsync(timer, over));
        await Task.WhenAll(visits).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken over)
    {
        try
        {
            return await timer.WaitForNextTickAsync(over);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task VisitInAsync(SemaphoreSlim room, CancellationToken stop)
    {
        try
        {
            await VisitAsync(stop);
        }
        finally
        {
            room.Release();
        }
    }

    private async ValueTask VisitAsync(CancellationToken stop)
    {
        using var limit = new TimeLimit(timeout, TimeProvider.System, stop);
        try
        {
            var visit = await client.VisitAsync(target, limit, Tally.Connected);
            Tally.Answered(visit, claimed ?? (visit.Local as IPEndPoint)?.Address);
        }
        catch (PeerException e)
        {
            Tally.Failed(e);
        }
    }
}
