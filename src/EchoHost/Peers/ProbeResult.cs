using System.Net.Sockets;

namespace EchoHost.Peers;

/// <summary>What came of a message to a peer; for a failure, its class.</summary>
internal enum ProbeResult
{
    /// <summary>Every byte came back the same.</summary>
    Ok,

    /// <summary>The peer's name has no address.</summary>
    Dns,

    /// <summary>RST in place of an accept: nothing listens there.</summary>
    Refused,

    /// <summary>There is no route, or ICMP says so.</summary>
    Unreachable,

    /// <summary>What was waited for did not come in time.</summary>
    Timeout,

    /// <summary>TLS could not be agreed on, or one side refuses the other's certificate.</summary>
    Tls,

    /// <summary>The peer ended the connection (FIN) before everything had come back.</summary>
    Closed,

    /// <summary>The connection was reset (RST) before everything had come back.</summary>
    Reset,

    /// <summary>Something else came back.</summary>
    Mismatch,

    /// <summary>This machine could not try: it is out of descriptors or ports, or forbids it. Says nothing of the peer.</summary>
    Local,
}

internal static class ProbeResults
{
    /// <summary>How metrics, logs and JSON spell it.</summary>
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

    /// <summary>The class of an error of connect(2), or of a connection that is open. What is not of the network or the peer is of this machine.</summary>
    public static ProbeResult Of(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => ProbeResult.Refused,

        // Only what was accepted can be reset, even where that was too fast for the connection to be seen (NotConnected).
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.NetworkReset or SocketError.Disconnecting or SocketError.NotConnected => ProbeResult.Reset,

        // EPIPE: the peer has ended.
        SocketError.Shutdown => ProbeResult.Closed,

        // Retransmissions came to nothing.
        SocketError.TimedOut => ProbeResult.Timeout,

        // The last two are what the kernel makes of "protocol unreachable" and "source route failed" (icmp_err_convert in net/ipv4/icmp.c).
        SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.HostDown or SocketError.ProtocolOption or SocketError.OperationNotSupported => ProbeResult.Unreachable,

        // Out of ports (AddressNotAvailable, AddressAlreadyInUse, TryAgain), descriptors (TooManyOpenSockets) or memory
        // (NoBufferSpaceAvailable), forbidden by a rule (AccessDenied), the device is down (NetworkDown), no such family.
        _ => ProbeResult.Local,
    };
}
