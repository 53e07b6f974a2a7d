using System.Diagnostics;
using EchoHost.Peers;

namespace EchoHost.Commands;

/// <summary>Sends one message after the other over one connection, which is made again after a failure, so that no late answer is taken for another's.</summary>
internal sealed class SendSession(PeerTarget target, TimeSpan timeout, TimeSpan interval, IAsyncEnumerable<ReadOnlyMemory<byte>> messages)
{
    /// <summary>The peer that gets them.</summary>
    public PeerTarget Target => target;

    /// <summary>Sends until there is no more to send or it is told to stop; what is then under way does not count.</summary>
    public async Task<SendTally> RunAsync(PeerClient client, ISendReport report, CancellationToken stop)
    {
        var tally = new SendTally();
        PeerConnection? connection = null;
        var start = Stopwatch.GetTimestamp();
        try
        {
            await foreach (var message in messages.WithCancellation(stop))
            {
                await DelayUntilAsync(start + (long)(tally.Messages * interval.TotalSeconds * Stopwatch.Frequency), stop);
                var at = DateTimeOffset.UtcNow;
                SendMessage Sent() => new(tally.Messages, at, message, connection?.RemoteEndPoint);
                try
                {
                    if (connection is null)
                    {
                        using var connecting = new TimeLimit(timeout, TimeProvider.System, stop);
                        connection = await client.ConnectAsync(target, connecting);
                        report.Connected(connection);
                    }

                    using var limit = new TimeLimit(timeout, TimeProvider.System, stop);
                    var roundTrip = await connection.EchoAsync(message, limit);
                    tally.Add(roundTrip);
                    report.Answered(Sent(), roundTrip);
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

/// <summary>How the messages fared.</summary>
internal sealed class SendTally
{
    private double _sum;
    private double _sumOfSquares;

    /// <summary>How many were tried.</summary>
    public int Messages { get; private set; }

    /// <summary>How many came back the same.</summary>
    public int Same { get; private set; }

    public TimeSpan Min { get; private set; } = TimeSpan.MaxValue;

    public TimeSpan Max { get; private set; }

    /// <summary>In milliseconds.</summary>
    public double Mean => _sum / Same;

    /// <summary>The standard deviation, in milliseconds.</summary>
    public double Deviation => Math.Sqrt(Math.Max(0, (_sumOfSquares / Same) - (Mean * Mean)));

    public void Add(TimeSpan roundTrip)
    {
        Messages++;
        Same++;
        _sum += roundTrip.TotalMilliseconds;
        _sumOfSquares += roundTrip.TotalMilliseconds * roundTrip.TotalMilliseconds;
        Min = roundTrip < Min ? roundTrip : Min;
        Max = roundTrip > Max ? roundTrip : Max;
    }

    public void AddLost() => Messages++;
}
