using System.Buffers;
using System.IO.Pipelines;
using EchoHost.Connections.Tracking;
using EchoHost.Metrics;

namespace EchoHost.Connections.Faults;

/// <summary>
/// What a service writes on a connection with faults. Holds the bytes, at most <see cref="MaxHeld"/> of them, and passes them on late,
/// slowly, in slices, or wrong. When it holds that many, the service's flush waits, so that no more is read from the client.
/// </summary>
internal sealed class FaultyOutput : PipeWriter
{
    private const int MaxHeld = 1024 * 1024;

    /// <summary>With a rate, what leaves at once is at most the bytes of this time; and a pause of the machine is made up for no longer.</summary>
    private static readonly TimeSpan RateStep = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MaxCatchUp = TimeSpan.FromMilliseconds(100);

    /// <summary>The time between two slices, so that the kernel does not join them.</summary>
    private static readonly TimeSpan SlicePause = TimeSpan.FromMilliseconds(1);

    private readonly PipeWriter _inner;
    private readonly FaultOptions _options;
    private readonly Random _random;
    private readonly (TrackedConnection Connection, EndpointMetrics Endpoint) _counts;
    private readonly FaultyEnd _end;
    private readonly TimeProvider _time;
    private readonly Pipe _held = new(new PipeOptions(pauseWriterThreshold: MaxHeld, resumeWriterThreshold: MaxHeld / 2, useSynchronizationContext: false));
    private readonly Lock _lock = new();
    private readonly Queue<(long End, long Due)> _messages = new();
    private readonly Task _passing;
    private long _written;
    private long _passed;
    private long _lastDue;
    private long _mayPassAt;

    /// <param name="inner">The connection's own output.</param>
    /// <param name="options">The faults.</param>
    /// <param name="random">Chooses the jitter and the wrong bits.</param>
    /// <param name="counts">Count what is passed on.</param>
    /// <param name="end">Ends the waits.</param>
    /// <param name="time">The clock.</param>
    public FaultyOutput(
        PipeWriter inner,
        FaultOptions options,
        Random random,
        (TrackedConnection Connection, EndpointMetrics Endpoint) counts,
        FaultyEnd end,
        TimeProvider time)
    {
        _inner = inner;
        _options = options;
        _random = random;
        _counts = counts;
        _end = end;
        _time = time;
        // A client that reads nothing must not hold up an end by time.
        _end.Over.Register(_inner.CancelPendingFlush);
        _passing = PassAsync();
    }

    /// <summary>After how many bytes the host ends the connection; null for never.</summary>
    private long? Limit => (_options.CloseAfterBytes, _options.ResetAfterBytes) switch
    {
        ({ } close, { } reset) => Math.Min(close, reset),
        var (close, reset) => close ?? reset,
    };

    public override Memory<byte> GetMemory(int sizeHint = 0) => _held.Writer.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _held.Writer.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        _written += bytes;
        _held.Writer.Advance(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        // What is flushed at once is a message, with a time of its own.
        lock (_lock)
        {
            _lastDue = Math.Max(_lastDue, _time.GetTimestamp() + ToTimestamp(NextDelay()));
            _messages.Enqueue((_written, _lastDue));
        }

        return _held.Writer.FlushAsync(cancellationToken);
    }

    public override void CancelPendingFlush() => _held.Writer.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => _held.Writer.Complete(exception);

    /// <summary>Waits until all that was written has been passed on, or the connection is over.</summary>
    public async Task DrainAsync()
    {
        await _held.Writer.CompleteAsync();
        await _passing;
    }

    /// <summary>Drops what has not been passed on.</summary>
    public async Task StopAsync()
    {
        await _held.Writer.CompleteAsync();
        _end.Stop();
        await _passing;
    }

    private TimeSpan NextDelay()
    {
        var delay = _options.Delay ?? TimeSpan.Zero;
        return _options.Jitter is { } jitter ? delay + (jitter * ((2 * _random.NextDouble()) - 1)) : delay;
    }

    private async Task PassAsync()
    {
        try
        {
            while (!_end.IsOver)
            {
                if (_passed == Limit)
                {
                    await EndAtLimitAsync();
                    return;
                }

                var read = await _held.Reader.ReadAsync(_end.Over);
                if (read.Buffer.IsEmpty)
                {
                    return;
                }

                var count = await NextAsync(read.Buffer.Length);
                var part = read.Buffer.Slice(0, count);
                var isTaken = !_end.IsOver && await PassAsync(part);
                _held.Reader.AdvanceTo(part.End);
                if (!isTaken)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (_end.IsOver)
        {
            // What is left is dropped.
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // The client is gone; the service learns that when it reads.
        }
        finally
        {
            // Ends a flush that waits for room.
            await _held.Reader.CompleteAsync();
        }
    }

    /// <summary>Waits until the next bytes are due, and returns how many of those held may be passed on together.</summary>
    private async Task<int> NextAsync(long held)
    {
        long end, due;
        lock (_lock)
        {
            while (_messages.TryPeek(out var first) && first.End <= _passed)
            {
                _messages.Dequeue();
            }

            (end, due) = _messages.Peek();
        }

        var count = Math.Min(held, end - _passed);
        count = Math.Min(count, _options.SliceBytes ?? int.MaxValue);
        count = Math.Min(count, (Limit ?? long.MaxValue) - _passed);
        if (_options.BytesPerSecond is { } rate && !_end.Haste.IsCancellationRequested)
        {
            count = Math.Min(count, Math.Max(1, (long)(rate * RateStep.TotalSeconds)));
            due = Math.Max(due, _mayPassAt);
        }

        await _end.WaitAsync(due);
        if (_options.BytesPerSecond is { } bytesPerSecond)
        {
            var from = Math.Max(due, _time.GetTimestamp() - ToTimestamp(MaxCatchUp));
            _mayPassAt = from + ToTimestamp(TimeSpan.FromSeconds((double)count / bytesPerSecond));
        }

        return (int)count;
    }

    /// <returns>Whether the transport took the bytes.</returns>
    private async Task<bool> PassAsync(ReadOnlySequence<byte> bytes)
    {
        var count = (int)bytes.Length;
        var copy = _inner.GetMemory(count)[..count];
        bytes.CopyTo(copy.Span);
        Corrupt(copy.Span);
        _inner.Advance(count);
        var flush = await _inner.FlushAsync();
        if (flush.IsCompleted)
        {
            return false;
        }

        _passed += count;
        _counts.Connection.SentWithFaults(count, _time.GetTimestamp());
        _counts.Endpoint.Sent(count);
        if (_options.SliceBytes is not null)
        {
            await _end.WaitAsync(_time.GetTimestamp() + ToTimestamp(SlicePause));
        }

        return true;
    }

    private void Corrupt(Span<byte> bytes)
    {
        if (_options.CorruptEvery is not { } every)
        {
            return;
        }

        // The last byte of each block, counted from the connection's first byte.
        for (var i = every - 1 - (_passed % every); i < bytes.Length; i += every)
        {
            bytes[(int)i] ^= (byte)(1 << _random.Next(8));
        }
    }

    private async Task EndAtLimitAsync()
    {
        if (_options.ResetAfterBytes == Limit && _options.CloseAfterBytes != Limit)
        {
            await _end.ResetAfterDeliveryAsync();
        }
        else
        {
            _end.Close();
        }
    }

    private long ToTimestamp(TimeSpan time) => (long)(time.TotalSeconds * _time.TimestampFrequency);
}
