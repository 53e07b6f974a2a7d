using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Peers;

/// <summary>A peer did not do what it should; the message says what, in words.</summary>
internal sealed class PeerException(ProbeResult result, string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The failure's class.</summary>
    public ProbeResult Result { get; } = result;

    /// <summary>Whether the peer accepted and then ended the connection before a byte came back: it is draining, or full.</summary>
    public bool IsTurnedAway { get; init; }

    /// <summary>What came back instead, as far as it was looked at; empty where nothing did.</summary>
    public ReadOnlyMemory<byte> Received { get; init; }

    /// <summary>A failure to resolve a name.</summary>
    public static PeerException OfResolving(string name, SocketException e) => new(ProbeResult.Dns, $"{name} can't be resolved: {OneLine(e)}", e);

    /// <summary>A failure to connect.</summary>
    public static PeerException OfConnecting(SocketException e) => e.SocketErrorCode switch
    {
        // Only what was accepted can be reset, even where that was too fast for the connection to be seen.
        SocketError.ConnectionReset or SocketError.NotConnected => TurnedAway(e),
        SocketError.TimedOut => new(ProbeResult.Timeout, OneLine(e), e),
        SocketError.AddressNotAvailable or SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AccessDenied or SocketError.AddressFamilyNotSupported or SocketError.InvalidArgument =>
            new(ProbeResult.Local, OneLine(e), e),
        _ => new(ProbeResult.Refused, OneLine(e), e),
    };

    /// <summary>A TLS handshake that failed.</summary>
    public static PeerException OfHandshake(Exception e) => IsReset(e)
        ? TurnedAway(e)
        : new PeerException(ProbeResult.Tls, $"the handshake failed: {OneLine(e is AuthenticationException ? e.GetBaseException() : e)}", e);

    /// <summary>Something else came back.</summary>
    /// <param name="message">What is wrong with it.</param>
    /// <param name="received">What came, as far as it was looked at.</param>
    public static PeerException OfMismatch(string message, byte[] received) => new(ProbeResult.Mismatch, message) { Received = received };

    /// <summary>A failure of an open connection.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="received">How many bytes of the message had come back.</param>
    /// <param name="length">How many the message has.</param>
    public static PeerException OfConnection(Exception e, long received, long length) =>
        IsTls(e) ? new PeerException(ProbeResult.Tls, OneLine(e.GetBaseException()), e)
        : IsReset(e) && received == 0 ? TurnedAway(e)
        : new PeerException(ProbeResult.Closed, $"{(IsReset(e) ? "reset by the peer" : OneLine(e))} after {received} of {length} bytes", e);

    /// <summary>Whether this is how a connection fails.</summary>
    public static bool IsConnectionFailure(Exception e) => e is IOException or SocketException or AuthenticationException;

    /// <summary>The peer accepted and ended the connection before a byte came back, with a reset or without: which of the two is seen can be a matter of chance.</summary>
    public static PeerException TurnedAway(Exception? cause = null) =>
        new(ProbeResult.Closed, "turned away: ended before a byte came back, as a peer does that is draining or full", cause) { IsTurnedAway = true };

    private static bool IsReset(Exception e) => e is ConnectionResetException or SocketException { SocketErrorCode: SocketError.ConnectionReset } || (e.InnerException is { } inner && IsReset(inner));

    /// <summary>With TLS 1.3, a peer that wants another certificate says so only after the handshake.</summary>
    private static bool IsTls(Exception e) => e is AuthenticationException or CryptographicException || e.GetType().Name == "SslException" || (e.InnerException is { } inner && IsTls(inner));

    private static string OneLine(Exception e) => e.Message.ReplaceLineEndings(" ").Trim();
}
