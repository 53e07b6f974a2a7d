namespace EchoHost.Connections.Tracking;

/// <summary>
/// Detects a client that takes none of the bytes waiting for it. A pending flush alone is not enough: a slow reader makes
/// progress and must not be cut off. So this watches the kernel's count of acknowledged bytes (TCP on Linux only), and on
/// every system the bytes that the transport has taken.
/// </summary>
internal struct SendWatch
{
    private ulong _acknowledged;
    private long _waitingSince;
    private long _drainedAtSent;
    private long _sent;

    /// <summary>When the client last took bytes that had been waiting; a timestamp.</summary>
    public long LastProgress { readonly get; private set; }

    /// <summary>Checks a connection's progress.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="now">The current timestamp.</param>
    /// <returns>The timestamp since which the client has taken nothing; null if nothing is waiting.</returns>
    public long? Look(TrackedConnection connection, long now)
    {
        var sending = connection.IsSending;
        var sent = connection.SentBytes;
        if (!sending && sent == _drainedAtSent)
        {
            return null;
        }

        var info = TcpInfo.Read(connection.Socket);
        if (!sending && info is not { SendQueueBytes: > 0 })
        {
            // Everything is taken: skip the system call until more is sent.
            _drainedAtSent = sent;
            _waitingSince = 0;
            return null;
        }

        if (_waitingSince == 0)
        {
            _waitingSince = now;
        }
        else if (sent != _sent || (info?.BytesAcknowledged ?? 0) != _acknowledged)
        {
            _waitingSince = LastProgress = now;
        }

        _sent = sent;
        _acknowledged = info?.BytesAcknowledged ?? 0;
        return _waitingSince;
    }
}
