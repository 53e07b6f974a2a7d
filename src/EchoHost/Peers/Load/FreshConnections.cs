using System.Diagnostics;
using System.Threading.Channels;

namespace EchoHost.Peers.Load;

/// <summary>A connection for each message, one after the other. Latency counts from before it is connected.</summary>
internal sealed class FreshConnections(int number, LoadContext context) : LoadSlot(number, context)
{
    private readonly Channel<bool> _due = Channel.CreateUnbounded<bool>();
    private readonly byte[] _message = new byte[context.Options.Size];

    public override async Task RunAsync()
    {
        for (long message = 0; await IsDueAsync(); message++)
        {
            var begin = Context.Schedule?.DueAt(Number, message) ?? Stopwatch.GetTimestamp();
            try
            {
                await EchoAsync(message);
                CountAnswered(begin, Stopwatch.GetTimestamp());
            }
            catch (PeerException e)
            {
                Context.Tally.Failed(e);
                if (Context.Schedule is null)
                {
                    await RestAsync();
                }
            }
            catch (OperationCanceledException) when (GivenUp.IsCancellationRequested)
            {
                CountMissing(1);
            }
        }

        CountMissing(_due.Reader.Count);
    }

    public override void OnDue() => _due.Writer.TryWrite(true);

    public override void Stop()
    {
        base.Stop();
        _due.Writer.TryComplete();
    }

    private async Task EchoAsync(long message)
    {
        Context.Payload.Fill(_message, (Number, message), 0);
        await using var connection = await Context.Client.ConnectAsync(Context.Options.Target, Context.Options.Timeout, GivenUp);
        Context.Tally.Connected();
        await connection.EchoAsync(_message, Context.Options.Timeout, GivenUp);
    }

    /// <summary>Waits for the next message; false where there is none any more, or no more time for it.</summary>
    private async Task<bool> IsDueAsync()
    {
        if (Context.Schedule is null)
        {
            return !IsStopping;
        }

        // Completed, and so woken, by the end of the schedule, which always comes.
        return await _due.Reader.WaitToReadAsync(CancellationToken.None) && !GivenUp.IsCancellationRequested && _due.Reader.TryRead(out _);
    }
}
