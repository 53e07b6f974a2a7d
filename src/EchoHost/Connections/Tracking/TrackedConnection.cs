using System.Net;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Metrics;
using EchoHost.Text;
using EchoHost.Transport;
using Kestrel.Epoll;
using Kestrel.ProxyProtocol;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Tracking;

/// <summary>
/// A live connection as the rest of the host sees it: its addresses, its counters, and how to end it. Only the connection's
/// handler writes the counters; any thread may read them.
/// </summary>
internal sealed class TrackedConnection
{
    private readonly ConnectionContext _connection;
    private readonly TimeProvider _time;
    private long _receivedBytes;
    private long _sentBytes;
    private long _messages;
    private long _lastActivity;
    private bool _hasFaults;
    private bool _isAnswerHeld;
    private bool _isSending;
    private bool _isAnswered;
    private int _closeReason = -1;
    private SendWatch _sendWatch;

    public TrackedConnection(ConnectionContext connection, string endpoint, TimeProvider time)
    {
        _connection = connection;
        _time = time;
        Endpoint = endpoint;
        Client = ClientAddress.Format(connection);
        Proxied = connection.Features.Get<IProxyProtocolFeature>() is { } header ? ProxiedConnection.From(header) : null;
        Via = Proxied?.Via is { } via ? ClientAddress.Format(via, connection.ConnectionId) : null;
        Tls = TlsDescription.From(connection.Features);
        Socket = SocketOptions.Of(connection.Features);
        OpenedAt = time.GetUtcNow();
        OpenedTimestamp = _lastActivity = time.GetTimestamp();
    }

    public string Id => _connection.ConnectionId;

    public string Endpoint { get; }

    /// <summary>The client's address and port.</summary>
    public string Client { get; }

    /// <summary>The proxy's address and port, if a PROXY header gave the client's.</summary>
    public string? Via { get; }

    /// <summary>The contents of the PROXY header; null without one.</summary>
    public ProxiedConnection? Proxied { get; }

    /// <summary>The TLS version and cipher; null without TLS.</summary>
    public TlsDescription? Tls { get; }

    /// <summary>The client's IP address; null for a Unix socket.</summary>
    public IPAddress? ClientIP => ClientAddress.Of(_connection.RemoteEndPoint);

    /// <summary>Whether the client's address is in a quiet network, whose health checks are not logged.</summary>
    public bool IsQuiet { get; init; }

    /// <summary>The labels of the faults that this connection gets; empty for nearly all.</summary>
    public IReadOnlyList<string> Faults { get; private set; } = [];

    /// <summary>Called after the host has aborted the connection.</summary>
    public Action? OnAborted { get; set; }

    /// <summary>Called once, when the first bytes arrive and before they are processed.</summary>
    public Action<TrackedConnection>? FirstReceived { get; init; }

    /// <summary>The socket, for the kernel's figures; null if there is none to ask.</summary>
    public IKernelSocketFeature? Socket { get; }

    /// <summary>
    /// The smoothed round-trip time at the last <see cref="ReadRtt"/>; -1 if it has not run or the kernel has no figure.
    /// </summary>
    public int RttMicroseconds { get; private set; } = -1;

    public DateTimeOffset OpenedAt { get; }

    public long OpenedTimestamp { get; }

    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>The number of reads that returned bytes.</summary>
    public long Messages => Volatile.Read(ref _messages);

    /// <summary>Whether the handler is waiting for the transport to take what it wrote, and not for faults.</summary>
    public bool IsSending => _isSending && !_hasFaults;

    /// <summary>
    /// The timestamp since which the client has taken none of the bytes waiting for it; null if nothing is waiting. Only the
    /// timeouts may call this: it updates state without a lock.
    /// </summary>
    public long? LookAtSending(long now) => _sendWatch.Look(this, now);

    public TimeSpan Age => _time.GetElapsedTime(OpenedTimestamp);

    /// <summary>The time since a byte last moved in either direction.</summary>
    public TimeSpan Idle => _time.GetElapsedTime(Math.Max(Volatile.Read(ref _lastActivity), _sendWatch.LastProgress));

    /// <summary>Why the host is closing the connection; null if it is not.</summary>
    public CloseReason? CloseReason => Volatile.Read(ref _closeReason) is >= 0 and var reason ? (CloseReason)reason : null;

    /// <summary>When the host started to close the connection; meaningless while <see cref="CloseReason"/> is null.</summary>
    public long CloseTimestamp { get; private set; }

    /// <summary>Records that the connection gets faults, before its handler begins.</summary>
    public void SetFaults(IReadOnlyList<string> labels)
    {
        Faults = labels;
        _hasFaults = true;
    }

    /// <summary>Records a message that the handler read at <paramref name="now"/> and is about to send back.</summary>
    public void Received(long bytes, long now)
    {
        if (_messages == 0)
        {
            FirstReceived?.Invoke(this);
        }

        Volatile.Write(ref _receivedBytes, _receivedBytes + bytes);
        Volatile.Write(ref _messages, _messages + 1);
        Volatile.Write(ref _lastActivity, now);
        _isSending = true;
    }

    /// <summary>
    /// Records that the transport took the handler's bytes at <paramref name="now"/>. With <see cref="Faults"/> these hold the
    /// bytes first, and call <see cref="SentWithFaults"/> once the transport has them.
    /// </summary>
    /// <returns>Whether the bytes were counted.</returns>
    public bool Sent(long bytes, long now)
    {
        _isSending = false;
        if (_hasFaults)
        {
            return false;
        }

        CountSent(bytes, now);
        return true;
    }

    /// <summary>Records that the transport took bytes that the faults held.</summary>
    public void SentWithFaults(long bytes, long now) => CountSent(bytes, now);

    /// <summary>Whether the host has sent its whole answer and closes the connection for that reason.</summary>
    public bool IsAnswered => Volatile.Read(ref _isAnswered);

    /// <summary>Records that the transport took the whole answer, at <paramref name="now"/>; nothing more is sent or read.</summary>
    /// <returns>Whether the bytes were counted.</returns>
    public bool Answered(long bytes, long now)
    {
        var isCounted = Sent(bytes, now);
        Volatile.Write(ref _isAnswered, isCounted);
        _isAnswerHeld = !isCounted;
        return isCounted;
    }

    /// <summary>Records that the transport took the whole answer, if there is one, after the faults held it.</summary>
    public void AnswerSent() => Volatile.Write(ref _isAnswered, _isAnswerHeld);

    /// <summary>
    /// Starts a graceful close: the handler echoes what was received, then the host sends FIN. The first reason is kept.
    /// </summary>
    public void RequestClose(CloseReason reason)
    {
        // An answered connection is about to end, within a limit of its own.
        if (!IsAnswered && TrySetReason(reason))
        {
            _connection.Transport.Input.CancelPendingRead();
        }
    }

    /// <summary>Ends the connection at once, with RST.</summary>
    public void Abort(CloseReason reason)
    {
        TrySetReason(reason);
        _connection.Abort(new ConnectionAbortedException(reason.Label()));
        OnAborted?.Invoke();
    }

    private void CountSent(long bytes, long now)
    {
        Volatile.Write(ref _sentBytes, _sentBytes + bytes);
        Volatile.Write(ref _lastActivity, now);
    }

    /// <summary>Asks the kernel for the round-trip time.</summary>
    public void ReadRtt() => RttMicroseconds = TcpInfo.Read(Socket) is { } tcp ? (int)Math.Min(tcp.RttMicroseconds, int.MaxValue) : -1;

    private bool TrySetReason(CloseReason reason)
    {
        if (CloseReason is null)
        {
            CloseTimestamp = _time.GetTimestamp();
        }

        return Interlocked.CompareExchange(ref _closeReason, (int)reason, -1) == -1;
    }
}
