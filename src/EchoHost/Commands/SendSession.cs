using System.Diagnostics;
using EchoHost.Peers;

namespace EchoHost.Commands;

/// <summary>
/// Sends messages in sequence over one connection. A failure closes the connection, so that a late answer is not taken for the
/// next message's.
/// </summary>
internal sealed class SendSession(PeerTarget target, TimeSpan timeout, TimeSpan interval, IAsyncEnumerable<ReadOnlyMemory<byte>> messages)
{
    /// <summary>The peer to send to.</summary>
    public PeerTarget Target => target;

    /// <summary>
    /// Sends until there are no more messages or a stop is requested; a message in flight at the stop is not counted.
    /// </summary>
    public async Task<SendTally> RunAsync(PeerClient client, ISendReport report, CancellationToken stop)
    {
        var tally = new SendTally();
        PeerConnection? connection = null;
        var step = (long)(interval.TotalSeconds * Stopwatch.Frequency);
        var due = Stopwatch.GetTimestamp();
        try
        {
            await foreach (var message in messages.WithCancellation(stop))
            {
                await DelayUntilAsync(due, stop);
                // Turns that a slow message took up are left out, not made up for.
                var now = Stopwatch.GetTimestamp();
                due = (now - due > step ? now : due) + step;
                var at = DateTimeOffset.UtcNow;
                SendMessage Sent() => new(tally.Messages, at, message, connection?.RemoteEndPoint);
                try
                {
                    if (connection is null)
                    {
                        using var connecting = new TimeLimit(timeout, TimeProvider.System, stop);
                        connection = await client.ConnectAsync(target, connecting);
                        tally.Add(connection.Phases);
                        report.Connected(connection);
                    }

                    using var limit = new TimeLimit(timeout, TimeProvider.System, stop);
                    var echo = await connection.EchoAsync(message, limit);
                    tally.Add(echo);
                    report.Answered(Sent(), echo);
                }
                catch (PeerException e)
                {
                    tally.AddLost();
                    report.Failed(Sent(), e);
                    if (connection is not null)
                    {
                        await connection.DisposeAsync();
                        connection = null;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The summary follows.
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }

            if (tally.Messages > 0 || stop.IsCancellationRequested)
            {
                report.Ended(tally);
            }
        }

        return tally;
    }

    private static async Task DelayUntilAsync(long due, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, stop);
        }
    }
}
