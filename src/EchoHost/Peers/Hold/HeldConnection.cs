using System.Net;

namespace EchoHost.Peers.Hold;

/// <summary>One connection of a test: a message, a silence, a message.</summary>
/// <param name="idle">How long it stays silent.</param>
/// <param name="options">The options of the test.</param>
/// <param name="client">Makes the connection.</param>
/// <param name="tally">Counts the connections and where they went.</param>
internal sealed class HeldConnection(TimeSpan idle, HoldOptions options, PeerClient client, ConnectionTally tally)
{
    /// <summary>The length of each message, in bytes.</summary>
    public const int MessageBytes = 16;

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile PeerConnection? _silent;

    /// <summary>How long the connection is to stay silent.</summary>
    public TimeSpan Idle => idle;

    /// <summary>Completes when the connection begins its silence, or failed before.</summary>
    public Task Begun => _begun.Task;

    /// <summary>How long the connection has been silent; null if it is not silent now.</summary>
    public TimeSpan? Silence => _silent?.Silence;

    /// <summary>Holds the connection until it is known whether it survives the silence.</summary>
    /// <returns>The result; null if the test was stopped before the silence.</returns>
    public async Task<HoldResult?> RunAsync(CancellationToken stop)
    {
        EndPoint? address = null;
        try
        {
            using var limit = new TimeLimit(options.Timeout, TimeProvider.System, stop);
            await using var connection = await client.ConnectAsync(options.Target, limit);
            address = connection.RemoteEndPoint;
            tally.Connected(connection);
            var roundTrip = await EchoAsync(connection, stop);
            return await HoldAsync(connection, stop) with { RoundTrip = roundTrip, Address = address };
        }
        catch (PeerException e)
        {
            return HoldResult.Failed(idle, e) with { Address = address };
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            _silent = null;
            _begun.TrySetResult();
        }
    }

    private async Task<HoldResult> HoldAsync(PeerConnection connection, CancellationToken stop)
    {
        _silent = connection;
        _begun.TrySetResult();
        try
        {
            if (await connection.StaySilentAsync(idle, stop) is { } end)
            {
                return HoldResult.InSilence(idle, end, connection.Silence);
            }

            var silence = connection.Silence;
            _silent = null;
            try
            {
                await EchoAsync(connection, stop);
                return new HoldResult(idle, HoldOutcome.Survived, silence);
            }
            catch (PeerException e)
            {
                return HoldResult.AtMessage(idle, e, silence, connection.Silence);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Silent for the whole time; whether it survived is not known.
                return new HoldResult(idle, HoldOutcome.StillSilent, silence);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new HoldResult(idle, HoldOutcome.StillSilent, connection.Silence);
        }
    }

    private async Task<TimeSpan> EchoAsync(PeerConnection connection, CancellationToken stop)
    {
        using var limit = new TimeLimit(options.Timeout, TimeProvider.System, stop);
        return (await connection.EchoAsync(UniquePayload.Text(MessageBytes), limit)).RoundTrip;
    }
}
