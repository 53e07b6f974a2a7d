using System.Diagnostics;
using System.Threading.Channels;

namespace EchoHost.Peers.Load;

/// <summary>Makes a new connection for each message, one after another. The latency includes connecting.</summary>
internal sealed class FreshConnections(int number, LoadContext context) : LoadSlot(number, context)
{
    /// <summary>Wakes the slot when <see cref="_due"/> has grown.</summary>
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly byte[] _message = new byte[context.Options.Size];
    private long _due;

    public override async Task RunAsync()
    {
        long message = 0;
        for (; await IsDueAsync(message); message++)
        {
            var begin = Context.Schedule?.DueAt(Number, message) ?? Stopwatch.GetTimestamp();
            if (Context.Schedule is not null && Stopwatch.GetElapsedTime(begin) > Context.Options.Timeout)
            {
                CountMissing(1);
                continue;
            }

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

        CountMissing(Context.Schedule is null ? 0 : _due - message);
    }

    public override void OnDue(long messages)
    {
        Interlocked.Add(ref _due, messages);
        _wake.Writer.TryWrite(true);
    }

    public override void Stop()
    {
        base.Stop();
        _wake.Writer.TryComplete();
    }

    private async Task EchoAsync(long message)
    {
        Context.Payload.Fill(_message, (Number, message), 0);
        using var limit = new TimeLimit(Context.Options.Timeout, TimeProvider.System, GivenUp);
        await using var connection = await Context.Client.ConnectAsync(Context.Options.Target, limit);
        Context.Tally.Connected(connection);
        await connection.EchoAsync(_message, limit);
    }

    /// <summary>Waits until the next message is due; false if there is none, or no time left for it.</summary>
    private async Task<bool> IsDueAsync(long message)
    {
        if (Context.Schedule is null)
        {
            return !IsStopping;
        }

        // Without a cancellation token: Stop completes the channel at the end of the schedule, which always comes.
        while (Volatile.Read(ref _due) <= message && await _wake.Reader.WaitToReadAsync(CancellationToken.None))
        {
            _wake.Reader.TryRead(out _);
        }

        return Volatile.Read(ref _due) > message && !GivenUp.IsCancellationRequested;
    }
}
