using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using EchoHost.Connections.Tracking;
using EchoHost.Transport;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Peers;

/// <summary>An open connection to a peer. Dispose closes it with FIN (with TLS, after a close alert), unless it was aborted.</summary>
internal sealed class PeerConnection : IAsyncDisposable
{
    /// <summary>The maximum number of bytes of a wrong echo to keep for the error message.</summary>
    private const int MaxShown = 1024;

    /// <summary>The maximum length of a <c>Who</c> endpoint's answer, in bytes.</summary>
    private const int MaxLine = 64 * 1024;

    private static readonly TimeSpan CloseAlertLimit = TimeSpan.FromSeconds(1);

    private readonly ConnectionContext _connection;
    private readonly SslStream? _tls;
    private readonly TimeProvider _time;
    private readonly long _opened;
    private long _lastReceived;
    private long _messages;
    private uint? _retransmits;
    private int _isAborted;

    /// <param name="connection">The connection of the transport.</param>
    /// <param name="tls">The TLS stream over the connection; null without TLS.</param>
    /// <param name="phases">How long each phase of connecting took.</param>
    /// <param name="opened">When the peer accepted the connection, as a timestamp of <paramref name="time"/>.</param>
    /// <param name="passed">The addresses that were tried first and did not accept.</param>
    /// <param name="time">The clock for measured times.</param>
    /// <param name="wasCertificateWanted">Whether the peer asked for a certificate.</param>
    public PeerConnection(
        ConnectionContext connection,
        SslStream? tls,
        PhaseTimes phases,
        long opened,
        IReadOnlyList<(IPAddress Address, PeerException Failure)> passed,
        TimeProvider time,
        bool wasCertificateWanted = false)
    {
        _connection = connection;
        _tls = tls;
        _opened = opened;
        _lastReceived = opened;
        _time = time;
        Phases = phases;
        Tls = tls is null ? null : $"{tls.SslProtocol} {tls.NegotiatedCipherSuite}";
        Passed = passed;
        WasCertificateWanted = wasCertificateWanted;
        Input = tls is null ? connection.Transport.Input : PipeReader.Create(tls, new StreamPipeReaderOptions(leaveOpen: true));
        Output = tls is null ? connection.Transport.Output : PipeWriter.Create(tls, new StreamPipeWriterOptions(leaveOpen: true));
    }

    /// <summary>Reads the bytes that the peer sends.</summary>
    public PipeReader Input { get; }

    /// <summary>Sends bytes to the peer.</summary>
    public PipeWriter Output { get; }

    /// <summary>How long each phase of connecting took.</summary>
    public PhaseTimes Phases { get; }

    /// <summary>The addresses that were tried before this one, and why each did not accept.</summary>
    public IReadOnlyList<(IPAddress Address, PeerException Failure)> Passed { get; }

    /// <summary>Whether the peer asked for a certificate in the TLS handshake.</summary>
    public bool WasCertificateWanted { get; }

    /// <summary>How long the connection has been open.</summary>
    public TimeSpan Age => _time.GetElapsedTime(_opened);

    /// <summary>The end point that the connection comes from.</summary>
    public EndPoint? LocalEndPoint => _connection.LocalEndPoint;

    /// <summary>How long ago the last byte of an echo came back, or the connection was opened if none did.</summary>
    public TimeSpan Silence => _time.GetElapsedTime(Volatile.Read(ref _lastReceived));

    /// <summary>The end point that accepted the connection.</summary>
    public EndPoint RemoteEndPoint => _connection.RemoteEndPoint!;

    /// <summary>Protocol and cipher, as in <c>Tls13 TLS_AES_256_GCM_SHA384</c>; null without TLS.</summary>
    public string? Tls { get; }

    /// <summary>Sends a message and reads it back, comparing every byte. After a failure the connection is aborted.</summary>
    /// <param name="message">The message to send.</param>
    /// <param name="limit">The time limit for the echo.</param>
    /// <returns>How long it took.</returns>
    /// <exception cref="PeerException">The message did not come back as it was sent.</exception>
    /// <exception cref="OperationCanceledException">The limit's token was canceled.</exception>
    public async Task<EchoTimes> EchoAsync(ReadOnlyMemory<byte> message, TimeLimit limit)
    {
        var start = _time.GetTimestamp();
        long received = 0;
        TimeSpan? first = null;
        var sending = Task.CompletedTask;
        string Missing()
        {
            var before = _messages == 0 ? "connected" : new ConnectionProgress(_messages, 0, 0, Age).ToString();
            return $"{before}, {received} of {message.Length} bytes came back";
        }

        void Received(int count)
        {
            first ??= _time.GetElapsedTime(start);
            received = count;
        }

        try
        {
            return await limit.RunAsync(
                async token =>
                {
                    // Read while sending: a peer that can't send its echo stops reading.
                    sending = Output.WriteAsync(message, token).AsTask();
                    await ReceiveAsync(message, Received, token);
                    var end = _time.GetTimestamp();
                    Volatile.Write(ref _lastReceived, end);
                    var roundTrip = _time.GetElapsedTime(start, end);
                    await sending;
                    _messages++;
                    return new EchoTimes(first ?? roundTrip, roundTrip);
                },
                Missing);
        }
        catch (Exception e)
        {
            Abort();
            await sending.ContinueWith(
                static sent => sent.Exception,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            if (PeerException.IsConnectionFailure(e))
            {
                throw PeerException.OfConnection(e, new ConnectionProgress(_messages, received, message.Length, Age, WasCertificateWanted));
            }

            throw;
        }
    }

    /// <summary>Reads the line that a <c>Who</c> endpoint sends unasked. After a failure the connection is aborted.</summary>
    /// <param name="limit">The time limit for the line.</param>
    /// <returns>The line without its line feed, and how long it took.</returns>
    /// <exception cref="PeerException">No line came, or not a single one.</exception>
    /// <exception cref="OperationCanceledException">The limit's token was canceled.</exception>
    public async Task<(byte[] Line, TimeSpan Took)> ReadLineAsync(TimeLimit limit)
    {
        var start = _time.GetTimestamp();
        long received = 0;
        string Missing() => received == 0
            ? "connected, but nothing came unasked, as from a Who endpoint (an echo endpoint, or one that waits for a PROXY header?),"
            : $"connected, but only {received} bytes of a line came";
        try
        {
            return await limit.RunAsync(
                async token => (await ReceiveLineAsync(count => received = count, token), _time.GetElapsedTime(start)),
                Missing);
        }
        catch (Exception e)
        {
            Abort();
            if (PeerException.IsConnectionFailure(e))
            {
                throw PeerException.OfConnection(e, new ConnectionProgress(0, received, null, Age, WasCertificateWanted));
            }

            throw;
        }
    }

    /// <summary>
    /// The number of segments that this machine has retransmitted, until now or until the connection was aborted; 0 where the
    /// system has no TCP_INFO. Must not be called after the connection was disposed, unless it was aborted before.
    /// </summary>
    public uint ReadRetransmits() => _retransmits ?? TcpInfo.Read(SocketOptions.Of(_connection.Features))?.Retransmits ?? 0;

    /// <summary>
    /// Sends nothing until the <see cref="Silence"/> has lasted for a time. If the connection ends before, or bytes arrive, it is
    /// aborted.
    /// </summary>
    /// <param name="time">How long the silence is to last.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <returns>How the connection ended before that time; null if it did not, as far as this machine knows.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was canceled.</exception>
    public async Task<PeerException?> StaySilentAsync(TimeSpan time, CancellationToken stop)
    {
        PeerException? end = null;
        // A timer may be some milliseconds early.
        while (end is null && time - Silence is var left && left > TimeSpan.Zero)
        {
            end = await WatchAsync(left, stop);
        }

        if (end is not null)
        {
            Abort();
        }

        return end;
    }

    /// <summary>Ends the connection at once, with RST.</summary>
    public void Abort()
    {
        if (Interlocked.Exchange(ref _isAborted, 1) == 0)
        {
            _retransmits = ReadRetransmits();
            _connection.Abort();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_tls is not null)
        {
            await CloseTlsAsync(_tls);
        }

        await _connection.DisposeAsync();
    }

    /// <summary>Watches a silent connection for a time, rounded up to milliseconds.</summary>
    private async Task<PeerException?> WatchAsync(TimeSpan time, CancellationToken stop)
    {
        using var over = new CancellationTokenSource(TimeSpan.FromMilliseconds(Math.Ceiling(time.TotalMilliseconds)), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, stop);
        try
        {
            var read = await Input.ReadAsync(either.Token);
            var bytes = Shown(read.Buffer);
            Input.AdvanceTo(read.Buffer.End);
            return bytes.Length == 0
                ? PeerException.OfEnd(new ConnectionProgress(_messages, 0, 0, Age, WasCertificateWanted))
                : PeerException.OfMismatch($"bytes came although nothing was sent, after {ConnectionProgress.Text(Silence)} of silence", bytes);
        }
        // A canceled read may throw any exception.
        catch (Exception) when (over.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e) when (!stop.IsCancellationRequested && PeerException.IsConnectionFailure(e))
        {
            return PeerException.OfConnection(e, new ConnectionProgress(_messages, 0, 0, Age, WasCertificateWanted));
        }
    }

    private async Task CloseTlsAsync(SslStream tls)
    {
        try
        {
            if (Volatile.Read(ref _isAborted) == 0)
            {
                await tls.ShutdownAsync().WaitAsync(CloseAlertLimit, _time);
            }
        }
        catch (Exception e) when (PeerException.IsConnectionFailure(e) || e is TimeoutException or InvalidOperationException)
        {
            // The peer has gone, or reads no more.
            Abort();
        }

        await tls.DisposeAsync();
    }

    private async Task ReceiveAsync(ReadOnlyMemory<byte> message, Action<int> onReceived, CancellationToken cancellationToken)
    {
        for (var at = 0; at < message.Length;)
        {
            var read = await Input.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            var same = CommonLength(buffer, message.Span[at..]);
            if (same < buffer.Length)
            {
                byte[] shown = [.. message.Span[..Math.Min(at, MaxShown)], .. buffer.Slice(0, Math.Min(buffer.Length, MaxShown)).ToArray()];
                var problem = at + same == message.Length
                    ? $"more came back than the {message.Length} bytes that were sent"
                    : $"byte {at + same + 1} of {message.Length} came back different";
                throw PeerException.OfWrongEcho(problem, shown);
            }

            at += (int)same;
            onReceived(at);
            Input.AdvanceTo(buffer.End);
            if (read.IsCompleted && at < message.Length)
            {
                throw PeerException.OfEnd(new ConnectionProgress(_messages, at, message.Length, Age, WasCertificateWanted));
            }
        }
    }

    private async Task<byte[]> ReceiveLineAsync(Action<long> onReceived, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await Input.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            onReceived(buffer.Length);
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                if (!buffer.Slice(buffer.GetPosition(1, end)).IsEmpty)
                {
                    throw PeerException.OfMismatch("more than one line came", Shown(buffer));
                }

                var line = buffer.Slice(0, end).ToArray();
                Input.AdvanceTo(buffer.End);
                return line;
            }

            if (buffer.Length > MaxLine)
            {
                throw PeerException.OfMismatch($"more than {MaxLine} bytes came without the end of a line", Shown(buffer));
            }

            if (read.IsCompleted)
            {
                throw PeerException.OfEnd(new ConnectionProgress(0, buffer.Length, null, Age, WasCertificateWanted));
            }

            Input.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static byte[] Shown(in ReadOnlySequence<byte> bytes) => bytes.Slice(0, Math.Min(bytes.Length, MaxShown)).ToArray();

    /// <summary>The length of the common prefix, in bytes.</summary>
    private static long CommonLength(in ReadOnlySequence<byte> received, ReadOnlySpan<byte> expected)
    {
        long same = 0;
        foreach (var segment in received)
        {
            var common = segment.Span.CommonPrefixLength(expected);
            same += common;
            if (common < segment.Length)
            {
                break;
            }

            expected = expected[common..];
        }

        return same;
    }
}
