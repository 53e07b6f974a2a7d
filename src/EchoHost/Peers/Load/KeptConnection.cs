using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;

namespace EchoHost.Peers.Load;

/// <summary>Keeps one connection for all messages, and makes a new one only after a failure.</summary>
internal sealed class KeptConnection(int number, LoadContext context) : LoadSlot(number, context)
{
    private readonly Lock _sending = new();
    private readonly int _size = context.Options.Size;
    private readonly int _pipeline = context.Options.Pipeline;

    /// <summary>The send time of each message under way, as a <see cref="Stopwatch"/> timestamp.</summary>
    private readonly long[] _sentAt = new long[context.Options.Pipeline];

    private PeerConnection? _connection;
    private PeerException? _endedBy;
    private Task _flush = Task.CompletedTask;
    private bool _isFlushing;

    /// <summary>What the write under way sends from; null if none is.</summary>
    private LoadTemplate? _sentFrom;

    /// <summary>In an open loop, the number of messages due so far.</summary>
    private long _due;

    /// <summary>The number of messages begun, and the number of bytes written of the last one (0 if all of them).</summary>
    private long _begun;
    private int _written;

    /// <summary>The number of messages that are over, back or lost, and the number of bytes that came back of the next one.</summary>
    private long _over;
    private int _received;

    /// <summary>The number of messages that had come back before this connection was made.</summary>
    private long _answeredBefore;

    /// <summary>The number of messages that may have begun by now. In a closed loop there is no limit until it stops.</summary>
    private long Due => Context.Schedule is not null ? Volatile.Read(ref _due) : IsStopping ? _begun : long.MaxValue;

    /// <summary>Whether there is something to send: the rest of a message, or one that is due and has room in the pipeline.</summary>
    private bool IsAnyDue => _written > 0 || (_begun < Due && _begun - Volatile.Read(ref _over) < _pipeline);

    private bool IsDone
    {
        get
        {
            // Asked after every read, and without the lock nearly always.
            if (!IsStopping)
            {
                return false;
            }

            lock (_sending)
            {
                return _over == _begun && _begun >= Due;
            }
        }
    }

    public override async Task OpenAsync(CancellationToken stop)
    {
        using var limit = new TimeLimit(Context.Options.Timeout, TimeProvider.System, stop);
        var connection = await Context.Client.ConnectAsync(Context.Options.Target, limit);
        Context.Tally.Connected(connection);
        lock (_sending)
        {
            _connection = connection;
            _endedBy = null;
            _written = 0;
            _received = 0;
            _answeredBefore = Answered;
        }
    }

    public override async Task RunAsync()
    {
        while (!IsDone && !GivenUp.IsCancellationRequested)
        {
            try
            {
                if (_connection is null)
                {
                    await OpenAsync(GivenUp);
                }

                await UseAsync(_connection!);
            }
            catch (OperationCanceledException) when (GivenUp.IsCancellationRequested)
            {
                break;
            }
            catch (PeerException e)
            {
                await LoseAsync(e);
                await RestAsync();
            }
        }

        await EndAsync();
    }

    public override void OnDue(long messages)
    {
        Interlocked.Add(ref _due, messages);
        Send();
    }

    public override void Watch()
    {
        lock (_sending)
        {
            // Read once: an echo that arrives meanwhile advances it to a message that may not have been sent.
            var over = Volatile.Read(ref _over);
            var isUnderWay = _connection is not null && _begun > over;
            if (isUnderWay && Stopwatch.GetElapsedTime(_sentAt[over % _pipeline]) > Context.Options.Timeout)
            {
                _endedBy = TimedOut;
                _connection!.Abort();
            }
        }
    }

    public override void Stop()
    {
        base.Stop();
        lock (_sending)
        {
            // With no message under way, nothing else would end the read.
            _connection?.Input.CancelPendingRead();
        }
    }

    public override void GiveUp()
    {
        lock (_sending)
        {
            _connection?.Abort();
        }
    }

    private async Task UseAsync(PeerConnection connection)
    {
        Send();
        var input = connection.Input;
        try
        {
            while (!IsDone)
            {
                var read = await input.ReadAsync();
                var now = Stopwatch.GetTimestamp();
                Receive(read.Buffer, now);
                input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted && !IsDone)
                {
                    throw _endedBy ?? PeerException.OfEnd(Progress(connection));
                }

                // Time starts for the next message as it ends for the last: one look at the clock for both. Where many came back at
                // once, what it takes to look at them all must not count for the next.
                Send(read.Buffer.Length <= _size ? now : null);
            }
        }
        catch (Exception) when (GivenUp.IsCancellationRequested)
        {
            throw new OperationCanceledException(GivenUp);
        }
        catch (Exception e) when (PeerException.IsConnectionFailure(e) || (_endedBy is not null && e is not PeerException))
        {
            // A read on a connection that Watch aborted ends as canceled, not as failed.
            throw _endedBy ?? PeerException.OfConnection(e, Progress(connection));
        }
    }

    private ConnectionProgress Progress(PeerConnection connection) => new(Answered - _answeredBefore, _received, _size, connection.Age);

    private void Receive(in ReadOnlySequence<byte> bytes, long now)
    {
        if (bytes.IsSingleSegment)
        {
            Receive(bytes.FirstSpan, followedBy: 0, now);
            return;
        }

        var left = bytes.Length;
        foreach (var segment in bytes)
        {
            left -= segment.Length;
            Receive(segment.Span, left, now);
        }
    }

    /// <param name="bytes">The bytes that came back.</param>
    /// <param name="followedBy">The number of bytes that came back behind them.</param>
    /// <param name="now">When, as a timestamp.</param>
    private void Receive(ReadOnlySpan<byte> bytes, long followedBy, long now)
    {
        while (!bytes.IsEmpty)
        {
            var part = bytes[..Math.Min(bytes.Length, _size - _received)];
            if (_over == Volatile.Read(ref _begun) || !Context.Payload.Matches(part, (Number, _over), _received))
            {
                throw PeerException.OfWrongEcho(
                    $"something else came back in place of message {_over + 1} of connection {Number + 1}",
                    bytes.ToArray());
            }

            _received += part.Length;
            bytes = bytes[part.Length..];
            if (_received < _size)
            {
                continue;
            }

            if (bytes.Length + followedBy > 0 && _over + 1 == Volatile.Read(ref _begun))
            {
                // The message and the excess bytes count as one error.
                throw new PeerException(ProbeResult.Mismatch, $"more came back than message {_over + 1} of connection {Number + 1}");
            }

            _received = 0;
            CountAnswered(Context.Schedule?.DueAt(Number, _over) ?? _sentAt[_over % _pipeline], now);
            Volatile.Write(ref _over, _over + 1);
        }
    }

    /// <summary>Sends the messages that are due, as far as the pipeline has room. A flush under way will send them when it ends.</summary>
    /// <param name="now">The timestamp of this moment, if it is known.</param>
    private void Send(long? now = null)
    {
        lock (_sending)
        {
            if (_connection is { } connection && !_isFlushing && Flush(connection, now) is { } flush)
            {
                _isFlushing = true;
                _flush = FinishAsync(connection, flush);
            }
        }
    }

    /// <summary>Writes while writes complete at once. Returns the write that did not; null if nothing is left to send.</summary>
    private ValueTask<FlushResult>? Flush(PeerConnection connection, long? now)
    {
        Expire();
        while (IsAnyDue)
        {
            var template = LoadTemplate.Rent(Context.Payload);
            var flush = connection.Output.WriteAsync(MakePart(template, now ?? Stopwatch.GetTimestamp()));
            if (!flush.IsCompletedSuccessfully)
            {
                _sentFrom = template;
                return flush;
            }

            template.Return();
            if (flush.Result.IsCompleted)
            {
                // The peer reads no more; the reading side gets the reason.
                return null;
            }

            now = null;
        }

        return null;
    }

    /// <summary>Waits for a flush and all flushes that follow it, in one task, so that the end can wait for the last one.</summary>
    private async Task FinishAsync(PeerConnection connection, ValueTask<FlushResult> flush)
    {
        try
        {
            while (!(await flush).IsCompleted)
            {
                lock (_sending)
                {
                    _sentFrom!.Return();
                    _sentFrom = null;
                    if (_connection != connection || Flush(connection, now: null) is not { } next)
                    {
                        _isFlushing = false;
                        return;
                    }

                    flush = next;
                }
            }
        }
        catch (Exception e) when (PeerException.IsConnectionFailure(e) || e is InvalidOperationException)
        {
            // The reading side gets this failure too.
        }
    }

    /// <summary>Begins as many of the messages that are due as one write takes, after the rest of the last one.</summary>
    private ReadOnlyMemory<byte> MakePart(LoadTemplate template, long now)
    {
        var (first, offset, length) = (_written == 0 ? _begun : _begun - 1, _written, 0);
        while (length < LoadPayload.MaxPart && IsAnyDue)
        {
            if (_written == 0)
            {
                _sentAt[_begun % _pipeline] = now;
                Volatile.Write(ref _begun, _begun + 1);
            }

            var count = Math.Min(_size - _written, LoadPayload.MaxPart - length);
            length += count;
            _written = _written + count == _size ? 0 : _written + count;
        }

        return template.Make((Number, first), offset, length);
    }

    /// <summary>Ends the connection after a failure. Every message under way is lost.</summary>
    private async Task LoseAsync(PeerException failure)
    {
        PeerConnection? connection;
        lock (_sending)
        {
            connection = _connection;
            _connection = null;
        }

        if (connection is not null)
        {
            connection.Abort();
            await _flush;
            await connection.DisposeAsync();
        }

        _isFlushing = false;
        Context.Tally.Failed(failure, Math.Max(1, _begun - _over));
        _over = _begun;
    }

    /// <summary>Drops the messages that could not be sent in time, for lack of a connection or of room on it. They count as lost.</summary>
    private void Expire()
    {
        // Messages end in order, so a message can be dropped only if no earlier one is under way.
        if (Context.Schedule is not { } schedule || _written > 0 || _begun != Volatile.Read(ref _over))
        {
            return;
        }

        var (now, expired) = (Stopwatch.GetTimestamp(), 0L);
        for (; _begun < Due && Stopwatch.GetElapsedTime(schedule.DueAt(Number, _begun), now) > Context.Options.Timeout; expired++)
        {
            Volatile.Write(ref _over, _over + 1);
            Volatile.Write(ref _begun, _begun + 1);
        }

        CountMissing(expired);
    }

    private async Task EndAsync()
    {
        if (_connection is not null)
        {
            await _flush;
            await _connection.DisposeAsync();
        }

        // In an open loop, every message that was due should have come back, even if it was never sent.
        CountMissing((Context.Schedule is null ? _begun : Math.Max(_begun, Due)) - _over);
    }
}
