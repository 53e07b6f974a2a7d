using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Tasks.Sources;
using EchoHost.Commands;
using EchoHost.Peers;
using EchoHost.Peers.Load;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Peers.Load;

/// <summary>Races between two steps of a kept connection.</summary>
public class KeptConnectionTests() : PeerTests(PeerTests.Epoll)
{
    private const int Size = 64;

    /// <summary>
    /// The watch checks how long the oldest message has been in flight. That message may come back at this moment, and the
    /// next one may not have been sent, so it has no send time yet.
    /// </summary>
    [Fact]
    public async Task A_healthy_connection_is_never_ended_by_the_watch()
    {
        const int rate = 20_000;
        const int pipeline = 10_000;
        var duration = TimeSpan.FromMilliseconds(TestScale.Of(1_000, 5_000));
        await using var peer = OddPeer.Start(Odd.Honest);
        var options = new LoadOptions(peer.Target, 1, Size, pipeline, duration, rate, false, TimeSpan.FromSeconds(20));
        using var over = new CancellationTokenSource();
        var context = new LoadContext(options, Client(), new LoadPayload(Size), new LoadTally(), over.Token)
        {
            Schedule = new LoadSchedule(Stopwatch.GetTimestamp(), rate, 1, duration),
        };
        var slot = new KeptConnection(0, context);
        await slot.OpenAsync(CancellationToken.None).WaitAsync(Wait.Limit);
        var running = Task.Run(slot.RunAsync);
        var isOver = false;
        var watching = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                slot.Watch();
            }
        });
        watching.Start();
        await context.Schedule.RunAsync((_, messages) => slot.OnDue(messages), CancellationToken.None).WaitAsync(Wait.Limit);
        slot.Stop();
        await running.WaitAsync(Wait.Limit);
        Volatile.Write(ref isOver, true);
        Assert.True(watching.Join(Wait.Limit));
        Assert.True(context.Tally.Errors == 0, context.Tally.FirstError);
        Assert.Equal(context.Schedule.Count, slot.Answered);
    }

    /// <summary>
    /// A flush that completes while it is checked is followed by another within the same call; the end must wait for that
    /// one.
    /// </summary>
    [Fact]
    public async Task The_end_waits_for_a_flush_that_followed_another()
    {
        var output = new SteppedWriter();
        var client = new PeerClient(new Stepped(output), KnownNames.None(), PeerLink.Default, TimeProvider.System);
        var options = new LoadOptions(
            new PeerTarget("127.0.0.1", 1, false),
            1,
            Size: 100_000,
            Pipeline: 4,
            TimeSpan.FromHours(1),
            null,
            false,
            TimeSpan.FromHours(1));
        using var over = new CancellationTokenSource();
        var context = new LoadContext(options, client, new LoadPayload(options.Size), new LoadTally(), over.Token);
        var slot = new KeptConnection(0, context);
        await slot.OpenAsync(CancellationToken.None).WaitAsync(Wait.Limit);
        var running = Task.Run(slot.RunAsync);
        await Wait.UntilAsync(() => output.Flushes == 2, "the second flush is under way");

        // The user stops: everything ends except the pending flush.
        context.IsInterrupted = true;
        slot.Stop();
        await over.CancelAsync();
        slot.GiveUp();
        output.EndInput();
        await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(200)));
        Assert.False(running.IsCompleted, "the connection was disposed under a flush");
        output.Finish();
        await running.WaitAsync(Wait.Limit);
    }

    /// <summary>
    /// The transport sends from the bytes that it was given. While it has not sent all of them, no other connection, not even one
    /// that sends on the same thread, may write its own there.
    /// </summary>
    [Fact]
    public async Task A_write_under_way_keeps_its_bytes()
    {
        const int messages = 3;
        var options = new LoadOptions(
            new PeerTarget("127.0.0.1", 1, false),
            2,
            Size,
            messages,
            TimeSpan.FromHours(1),
            Rate: 1,
            false,
            TimeSpan.FromHours(1));
        using var over = new CancellationTokenSource();
        var connections = new Holding();
        var context = new LoadContext(
            options,
            new PeerClient(connections, KnownNames.None(), PeerLink.Default, TimeProvider.System),
            new LoadPayload(Size),
            new LoadTally(),
            over.Token)
        {
            Schedule = new LoadSchedule(Stopwatch.GetTimestamp(), 1, 2, options.Duration),
        };
        KeptConnection[] slots = [new(0, context), new(1, context)];
        foreach (var slot in slots)
        {
            await slot.OpenAsync(CancellationToken.None).WaitAsync(Wait.Limit);
        }

        // Without an await between them: both connections send on this thread.
        slots[0].OnDue(messages);
        slots[1].OnDue(messages);
        foreach (var (number, writer) in connections.Writers.Index())
        {
            Assert.Equal(messages * Size, writer.Held.Length);
            for (var message = 0; message < messages; message++)
            {
                Assert.True(context.Payload.Matches(writer.Held.Span.Slice(message * Size, Size), (number, message), 0));
            }
        }
    }

    private sealed class Holding : IConnectionFactory
    {
        public List<HoldingWriter> Writers { get; } = [];

        public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            var pipe = new Pipe();
            Writers.Add(new HoldingWriter());
            var pipes = new Pipes(pipe.Reader, Writers[^1]);
            return new(new DefaultConnectionContext("holding", pipes, pipes) { RemoteEndPoint = endpoint });
        }
    }

    /// <summary>Keeps what it is to send, and never sends it.</summary>
    private sealed class HoldingWriter : PipeWriter
    {
        private readonly TaskCompletionSource<FlushResult> _never = new();

        public ReadOnlyMemory<byte> Held { get; private set; }

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            Held = source;
            return new(_never.Task);
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

        public override Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException();

        public override void Advance(int bytes) => throw new NotSupportedException();

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }

    private sealed class Stepped(SteppedWriter output) : IConnectionFactory
    {
        public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
            new(new Connection(output) { RemoteEndPoint = endpoint });
    }

    private sealed class Connection(SteppedWriter output) : DefaultConnectionContext(
        "stepped",
        new Pipes(output.Input, output),
        new Pipes(output.Input, output))
    {
        public override void Abort(ConnectionAbortedException abortReason)
        {
        }
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>
    /// The first flush is pending at the first check and complete at the second; the next one is pending until the test
    /// completes it.
    /// </summary>
    private sealed class SteppedWriter : PipeWriter
    {
        private readonly Pipe _input = new();
        private readonly byte[] _buffer = new byte[1024 * 1024];
        private readonly TaskCompletionSource<FlushResult> _second = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _flushes;

        public PipeReader Input => _input.Reader;

        public int Flushes => Volatile.Read(ref _flushes);

        public void EndInput() => _input.Writer.Complete();

        public void Finish() => _second.SetResult(new FlushResult(isCanceled: false, isCompleted: true));

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            Interlocked.Increment(ref _flushes) == 1 ? new ValueTask<FlushResult>(new DoneAtSecondLook(), 0) : new ValueTask<FlushResult>(_second.Task);

        public override Memory<byte> GetMemory(int sizeHint = 0) => _buffer;

        public override Span<byte> GetSpan(int sizeHint = 0) => _buffer;

        public override void Advance(int bytes)
        {
        }

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }

    private sealed class DoneAtSecondLook : IValueTaskSource<FlushResult>
    {
        private bool _wasLookedAt;

        public FlushResult GetResult(short token) => default;

        public ValueTaskSourceStatus GetStatus(short token)
        {
            var before = _wasLookedAt;
            _wasLookedAt = true;
            return before ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;
        }

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => continuation(state);
    }
}
