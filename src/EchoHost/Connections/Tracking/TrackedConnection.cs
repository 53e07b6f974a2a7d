using System.Net;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Metrics;
using EchoHost.Text;
using EchoHost.Transport;
using Kestrel.Epoll;
using Kestrel.ProxyProtocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace EchoHost.Connections.Tracking;

/// <summary>
/// A live connection as everything but its own handler sees it: its addresses, its counts, and how to end it. The
/// counters are written by the connection's handler alone and read by anybody.
/// </summary>
internal sealed class TrackedConnection
{
    private readonly ConnectionContext _connection;
    private readonly TimeProvider _time;
    private long _receivedBytes;
    private long _sentBytes;
    private long _messages;
    private long _lastActivity;
    private int _closeReason = -1;
    private SendWatch _sendWatch;

    public TrackedConnection(ConnectionContext connection, string endpoint, TimeProvider time)
    {
        _connection = connection;
        _time = time;
        Endpoint = endpoint;
        Peer = ClientAddress.Format(connection);
        Proxied = connection.Features.Get<IProxyProtocolFeature>() is { } header ? ProxiedConnection.From(header) : null;
        Via = Proxied?.Via is { } via ? ClientAddress.Format(via, connection) : null;
        Tls = TlsDescription.From(connection);
        Socket = connection.Features.Get<IKernelSocketFeature>() ?? SocketOptions.Of(connection.Features.Get<IConnectionSocketFeature>()?.Socket);
        OpenedAt = time.GetUtcNow();
        OpenedTimestamp = _lastActivity = time.GetTimestamp();
    }

    public string Id => _connection.ConnectionId;

    /// <summary>The echo endpoint's name.</summary>
    public string Endpoint { get; }

    /// <summary>The peer's address and port.</summary>
    public string Peer { get; }

    /// <summary>The proxy's address and port, where a PROXY header gave the peer's.</summary>
    public string? Via { get; }

    /// <summary>What a PROXY header said; null where there was none.</summary>
    public ProxiedConnection? Proxied { get; }

    /// <summary>The TLS connection's figures; null without TLS.</summary>
    public TlsDescription? Tls { get; }

    /// <summary>The peer's address alone; null for a Unix socket.</summary>
    public IPAddress? PeerIP => ClientAddress.Of(_connection.RemoteEndPoint);

    /// <summary>Whether it comes from a network whose health checks are not to be heard of.</summary>
    public bool IsQuiet { get; init; }

    /// <summary>Called once, when the first bytes have come and before anything is made of them.</summary>
    public Action<TrackedConnection>? FirstReceived { get; init; }

    /// <summary>Where the kernel tells of the connection; null where it does not.</summary>
    public IKernelSocketFeature? Socket { get; }

    /// <summary>The smoothed round-trip time as <see cref="ReadRtt"/> last found it; -1 where the kernel was not asked or does not tell.</summary>
    public int RttMicroseconds { get; private set; } = -1;

    public DateTimeOffset OpenedAt { get; }

    public long OpenedTimestamp { get; }

    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>How many reads have returned bytes.</summary>
    public long Messages => Volatile.Read(ref _messages);

    /// <summary>Whether the handler waits for the transport to take what it wrote.</summary>
    public bool IsSending { get; private set; }

    /// <summary>Since when the peer has taken nothing of what waits for it; null when nothing waits. Asked by the timeouts alone.</summary>
    public long? LookAtSending(long now) => _sendWatch.Look(this, now);

    public TimeSpan Age => _time.GetElapsedTime(OpenedTimestamp);

    /// <summary>How long no byte has moved in either direction.</summary>
    public TimeSpan Idle => _time.GetElapsedTime(Math.Max(Volatile.Read(ref _lastActivity), _sendWatch.LastProgress));

    /// <summary>Why the host ends the connection; null while it does not.</summary>
    public CloseReason? CloseReason => Volatile.Read(ref _closeReason) is >= 0 and var reason ? (CloseReason)reason : null;

    /// <summary>When the host asked for the end; meaningless while <see cref="CloseReason"/> is null.</summary>
    public long CloseTimestamp { get; private set; }

    /// <summary>The handler read a message, at <paramref name="now"/>, and is about to send it back.</summary>
    public void Received(long bytes, long now)
    {
        if (_messages == 0)
        {
            FirstReceived?.Invoke(this);
        }

        Volatile.Write(ref _receivedBytes, _receivedBytes + bytes);
        Volatile.Write(ref _messages, _messages + 1);
        Volatile.Write(ref _lastActivity, now);
        IsSending = true;
    }

    /// <summary>The transport took the bytes, at <paramref name="now"/>.</summary>
    public void Sent(long bytes, long now)
    {
        IsSending = false;
        Volatile.Write(ref _sentBytes, _sentBytes + bytes);
        Volatile.Write(ref _lastActivity, now);
    }

    /// <summary>Asks for a graceful end: what was received is echoed, then FIN is sent. The first reason stays.</summary>
    public void RequestClose(CloseReason reason)
    {
        if (TrySetReason(reason))
        {
            _connection.Transport.Input.CancelPendingRead();
        }
    }

    /// <summary>Ends the connection at once, with RST.</summary>
    public void Abort(CloseReason reason)
    {
        TrySetReason(reason);
        _connection.Abort(new ConnectionAbortedException(reason.Label()));
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
