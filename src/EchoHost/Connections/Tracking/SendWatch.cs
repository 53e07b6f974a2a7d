namespace EchoHost.Connections.Tracking;

/// <summary>
/// Notices whether a client takes what waits to be sent to it. A pending flush alone does not tell: a slow reader takes
/// bytes all the time and must not be cut off. So the kernel's count of acknowledged bytes is watched where there is
/// one (TCP on Linux), and everywhere what the transport has taken since.
/// </summary>
internal struct SendWatch
{
    private ulong _acknowledged;
    private long _waitingSince;
    private long _drainedAtSent;
    private long _sent;

    /// <summary>When the client was last seen to take bytes that had been waiting; a timestamp.</summary>
    public long LastProgress { readonly get; private set; }

    /// <summary>Looks once at a connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="now">The present timestamp.</param>
    /// <returns>The timestamp since when the client has taken nothing; null when nothing waits.</returns>
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
            // All is taken; the next look costs nothing until more is sent.
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
