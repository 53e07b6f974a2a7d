using System.Net.Sockets;

namespace EchoHost.Peers;

/// <summary>The outcome of a message to a peer: success, or the class of the failure.</summary>
internal enum ProbeResult
{
    /// <summary>Every byte came back the same.</summary>
    Ok,

    /// <summary>The peer's name could not be resolved.</summary>
    Dns,

    /// <summary>The peer's machine answered the SYN with RST: nothing listens on that port.</summary>
    Refused,

    /// <summary>No route to the peer, or an ICMP "unreachable".</summary>
    Unreachable,

    /// <summary>The time limit passed.</summary>
    Timeout,

    /// <summary>The TLS handshake failed, or one side refused the other's certificate.</summary>
    Tls,

    /// <summary>The peer closed the connection (FIN) before the whole message had come back.</summary>
    Closed,

    /// <summary>The connection was reset (RST) before the whole message had come back.</summary>
    Reset,

    /// <summary>The echo differs from the message.</summary>
    Mismatch,

    /// <summary>This machine could not try: it is out of descriptors or ports, or a rule forbids it. The peer may be well.</summary>
    Local,
}

internal static class ProbeResults
{
    /// <summary>The label in metrics, logs and JSON.</summary>
    public static string Label(this ProbeResult result) => result switch
    {
        ProbeResult.Ok => "ok",
        ProbeResult.Dns => "dns",
        ProbeResult.Refused => "refused",
        ProbeResult.Unreachable => "unreachable",
        ProbeResult.Timeout => "timeout",
        ProbeResult.Tls => "tls",
        ProbeResult.Closed => "closed",
        ProbeResult.Reset => "reset",
        ProbeResult.Mismatch => "mismatch",
        ProbeResult.Local => "local",
        _ => throw new ArgumentOutOfRangeException(nameof(result), result, "no such result"),
    };

    /// <summary>
    /// The class of an error of connect(2) or of an open connection. An error that comes from neither the network nor the
    /// peer is <see cref="ProbeResult.Local"/>.
    /// </summary>
    public static ProbeResult Of(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => ProbeResult.Refused,

        // NotConnected: the peer reset the connection right after it accepted it.
        SocketError.ConnectionReset
            or SocketError.ConnectionAborted
            or SocketError.NetworkReset
            or SocketError.Disconnecting
            or SocketError.NotConnected => ProbeResult.Reset,

        // EPIPE: the peer has closed the connection.
        SocketError.Shutdown => ProbeResult.Closed,

        // All retransmissions went unanswered.
        SocketError.TimedOut => ProbeResult.Timeout,

        // The kernel maps the ICMP errors "protocol unreachable" and "source route failed" to the last two
        // (icmp_err_convert in net/ipv4/icmp.c).
        SocketError.NetworkUnreachable
            or SocketError.HostUnreachable
            or SocketError.HostDown
            or SocketError.ProtocolOption
            or SocketError.OperationNotSupported => ProbeResult.Unreachable,

        // Out of ports (AddressNotAvailable, AddressAlreadyInUse, TryAgain), descriptors (TooManyOpenSockets) or memory
        // (NoBufferSpaceAvailable); forbidden by a rule (AccessDenied); the device is down (NetworkDown); no such family.
        _ => ProbeResult.Local,
    };
}
