using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using EchoHost.Text;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Peers;

/// <summary>An exchange with a peer failed; the message says how.</summary>
internal sealed class PeerException(ProbeResult result, string message, Exception? cause = null) : Exception(message, cause)
{
    private const string Guess = "; perhaps it turns connections away, as when it drains or is full";

    private const string WhoHint = "a Who endpoint answers there, not an echo endpoint (ask it with: EchoHost who)";

    /// <summary>The class of the failure.</summary>
    public ProbeResult Result { get; } = result;

    /// <summary>
    /// Whether the peer accepted the connection and ended it before a byte came back. A draining or full peer does that, but
    /// so may another one.
    /// </summary>
    public bool IsTurnedAway { get; init; }

    /// <summary>The bytes that came back instead, as far as they were read; empty if none did.</summary>
    public ReadOnlyMemory<byte> Received { get; init; }

    /// <summary>The address that accepted the connection; null if the failure came before, or the connection is known.</summary>
    public EndPoint? Address { get; set; }

    /// <summary>How long the phases took that were done when connecting failed; null if the connection was made, or none was done.</summary>
    public PhaseTimes? Phases { get; set; }

    /// <summary>The same bytes to put after the message, as in <c>: "HTTP/1.1 400"</c>.</summary>
    public string ReceivedText => Received.IsEmpty ? "" : $": \"{MessageText.Escape(new ReadOnlySequence<byte>(Received))}\"";

    /// <summary>A name that could not be resolved.</summary>
    public static PeerException OfResolving(string name, SocketException e) => e.SocketErrorCode switch
    {
        SocketError.HostNotFound => new(ProbeResult.Dns, $"{name} can't be resolved: there is no such name", e),
        SocketError.NoData => new(ProbeResult.Dns, $"{name} can't be resolved: the name has no address", e),
        SocketError.TryAgain => new(ProbeResult.Dns, $"{name} can't be resolved: no name server answers for it", e),
        SocketError.NoBufferSpaceAvailable or SocketError.TooManyOpenSockets =>
            new(ProbeResult.Local, $"{name} can't be resolved: {OneLine(e)}", e),
        _ => new(ProbeResult.Dns, $"{name} can't be resolved: {OneLine(e)}", e),
    };

    /// <summary>A connection that could not be made.</summary>
    /// <param name="e">The exception.</param>
    /// <param name="source">The configured source address; null for any.</param>
    public static PeerException OfConnecting(SocketException e, IPAddress? source) => ProbeResults.Of(e.SocketErrorCode) switch
    {
        ProbeResult.Reset => Ended("reset by the peer", ProbeResult.Reset, default, e),
        ProbeResult.Local when source is not null => new(ProbeResult.Local, $"from {source}: {OneLine(e)}", e),
        var result => new(result, OneLine(e), e),
    };

    /// <summary>A TLS handshake that failed.</summary>
    /// <param name="e">The exception.</param>
    /// <param name="seen">The stream, which keeps the first bytes that the peer sent.</param>
    /// <param name="certificateFault">Why the peer's certificate was refused; null if it was not.</param>
    /// <param name="age">How long the connection lasted.</param>
    public static PeerException OfHandshake(Exception e, PipeStream seen, string? certificateFault, TimeSpan age)
    {
        if ((certificateFault ?? TlsFaults.Of(e, seen.First)) is { } fault)
        {
            return new PeerException(ProbeResult.Tls, fault, e);
        }

        var error = SocketErrorOf(e);
        if (error is null && !seen.HasEnded)
        {
            return new PeerException(ProbeResult.Tls, $"the TLS handshake failed: {OneLine(e.GetBaseException())}", e);
        }

        // Without a single byte in answer to ClientHello, this is not a TLS failure: a TLS peer would have sent an alert.
        if (seen.First.IsEmpty)
        {
            return OfConnection(e, new ConnectionProgress(0, 0, 0, age));
        }

        var result = error is { } code ? ProbeResults.Of(code) : ProbeResult.Closed;
        return new PeerException(result, $"{Verb(error, e)} in the TLS handshake, after {ConnectionProgress.Text(age)}", e);
    }

    /// <summary>An answer that is not what was expected.</summary>
    /// <param name="message">How it differs.</param>
    /// <param name="received">The bytes that came back, as far as they were read.</param>
    public static PeerException OfMismatch(string message, byte[] received) =>
        new(ProbeResult.Mismatch, message) { Received = received };

    /// <summary>The same, with a hint if something else than an echo endpoint answers.</summary>
    public static PeerException OfWrongEcho(string message, byte[] received) =>
        OfMismatch(WhoReply.IsBeginning(received) ? $"{message}; {WhoHint}" : message, received);

    /// <summary>A failure of an open connection.</summary>
    /// <param name="e">The exception.</param>
    /// <param name="progress">The progress of the connection until then.</param>
    public static PeerException OfConnection(Exception e, ConnectionProgress progress)
    {
        // With TLS 1.3, a peer that refuses the client certificate sends its alert after the handshake.
        if (TlsFaults.Of(e, default) is { } fault)
        {
            return new PeerException(ProbeResult.Tls, fault, e);
        }

        var error = SocketErrorOf(e);
        var withoutError = e is ConnectionAbortedException ? ProbeResult.Local : ProbeResult.Closed;
        return Ended(Verb(error, e), error is { } code ? ProbeResults.Of(code) : withoutError, progress, e);
    }

    /// <summary>A connection that the peer closed (FIN) too early.</summary>
    public static PeerException OfEnd(ConnectionProgress progress) => Ended(Verb(null, null), ProbeResult.Closed, progress, null);

    /// <summary>
    /// Whether an exception is a connection's failure. <see cref="ConnectionAbortedException"/>, though it derives from
    /// <see cref="OperationCanceledException"/>, is one.
    /// </summary>
    public static bool IsConnectionFailure(Exception e) => e is IOException or SocketException or AuthenticationException or ConnectionAbortedException;

    private static PeerException Ended(string verb, ProbeResult result, ConnectionProgress progress, Exception? cause)
    {
        var isTurnedAway = progress.IsNone && result is ProbeResult.Closed or ProbeResult.Reset;
        if (isTurnedAway && progress.WasCertificateWanted)
        {
            // Some servers, .NET's included, refuse a certificate after the handshake and without an alert.
            var how = verb.Replace(" by the peer", " the connection", StringComparison.Ordinal);
            var problem = $"the peer asked for a certificate, and {how} {progress}: it refuses the one it was shown, or wants one";
            return new PeerException(ProbeResult.Tls, problem, cause);
        }

        return new PeerException(result, $"{verb} {progress}{(isTurnedAway ? Guess : "")}", cause) { IsTurnedAway = isTurnedAway };
    }

    private static string Verb(SocketError? error, Exception? e) => error switch
    {
        null when e is ConnectionAbortedException => $"aborted by this machine ({OneLine(e)})",
        null => "closed by the peer",
        { } code when ProbeResults.Of(code) == ProbeResult.Reset => "reset by the peer",
        { } code when ProbeResults.Of(code) == ProbeResult.Closed => "closed by the peer",
        _ => OneLine(e!.GetBaseException()),
    };

    /// <summary>The socket error in an exception; null if there is none, as when a connection ends within the TLS handshake.</summary>
    private static SocketError? SocketErrorOf(Exception? e) => e switch
    {
        null => null,
        ConnectionResetException => SocketError.ConnectionReset,
        SocketException socket => socket.SocketErrorCode,
        _ => SocketErrorOf(e.InnerException),
    };

    private static string OneLine(Exception e) => e.Message.ReplaceLineEndings(" ").Trim();
}
