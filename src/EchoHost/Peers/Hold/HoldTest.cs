using System.Runtime.CompilerServices;

namespace EchoHost.Peers.Hold;

/// <summary>
/// Finds out after how long of silence a path ends a connection: one connection for each idle time sends a message, stays silent for
/// that time, and sends another message.
/// </summary>
internal sealed class HoldTest(HoldOptions options, PeerClient client)
{
    private readonly ConnectionTally _tally = new();
    private HeldConnection[] _connections = [];

    /// <summary>The connections made, and where they went.</summary>
    public ConnectionTally Tally => _tally;

    /// <summary>How long each connection that is silent now has been so.</summary>
    public IEnumerable<TimeSpan> Silences => Volatile.Read(ref _connections).Select(connection => connection.Silence).OfType<TimeSpan>();

    /// <summary>Makes the connections and returns each result as soon as it is known.</summary>
    /// <param name="onBegun">
    /// Called once, before the first result: every connection (with one after another: the first) is silent, or failed before.
    /// </param>
    /// <param name="stop">Ends the test; connections that are silent then are results too.</param>
    public IAsyncEnumerable<HoldResult> RunAsync(Action onBegun, CancellationToken stop)
    {
        _connections = [.. options.IdleTimes.Select(idle => new HeldConnection(idle, options, client, _tally))];
        return options.IsParallel ? AllAtOnceAsync(onBegun, stop) : OneAfterAnotherAsync(onBegun, stop);
    }

    private async IAsyncEnumerable<HoldResult> AllAtOnceAsync(Action onBegun, [EnumeratorCancellation] CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var running = _connections.Select(connection => connection.RunAsync(end.Token)).ToArray();
        try
        {
            await Task.WhenAll(_connections.Select(connection => connection.Begun));
            onBegun();
            await foreach (var done in Task.WhenEach(running))
            {
                if (await done is { } result)
                {
                    yield return result;
                }
            }
        }
        finally
        {
            // Where the results can't be printed, the connections must not outlive the transport.
            await end.CancelAsync();
            await Task.WhenAll(running.Select(Task (done) => done)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async IAsyncEnumerable<HoldResult> OneAfterAnotherAsync(Action onBegun, [EnumeratorCancellation] CancellationToken stop)
    {
        foreach (var connection in _connections)
        {
            var running = connection.RunAsync(stop);
            if (connection == _connections[0])
            {
                await connection.Begun;
                onBegun();
            }

            if (await running is not { } result)
            {
                yield break;
            }

            yield return result;
            if (result.HasEnded || stop.IsCancellationRequested)
            {
                // What ends a silence ends a longer one too.
                yield break;
            }
        }
    }
}
