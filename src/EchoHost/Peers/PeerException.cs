using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Peers;

/// <summary>A peer did not do what it should; the message says what, in words.</summary>
internal sealed class PeerException(ProbeResult result, string message, Exception? cause = null) : Exception(message, cause)
{
    private const string Guess = "; perhaps it turns connections away, as when it drains or is full";

    /// <summary>The failure's class.</summary>
    public ProbeResult Result { get; } = result;

    /// <summary>Whether the peer accepted and then ended the connection before a byte came back, as one does that is draining or full: a guess.</summary>
    public bool IsTurnedAway { get; init; }

    /// <summary>What came back instead, as far as it was looked at; empty where nothing did.</summary>
    public ReadOnlyMemory<byte> Received { get; init; }

    /// <summary>A failure to resolve a name.</summary>
    public static PeerException OfResolving(string name, SocketException e) => e.SocketErrorCode switch
    {
        SocketError.HostNotFound => new(ProbeResult.Dns, $"{name} can't be resolved: there is no such name", e),
        SocketError.NoData => new(ProbeResult.Dns, $"{name} can't be resolved: the name has no address", e),
        SocketError.TryAgain => new(ProbeResult.Dns, $"{name} can't be resolved: no name server answers for it", e),
        SocketError.NoBufferSpaceAvailable or SocketError.TooManyOpenSockets => new(ProbeResult.Local, $"{name} can't be resolved: {OneLine(e)}", e),
        _ => new(ProbeResult.Dns, $"{name} can't be resolved: {OneLine(e)}", e),
    };

    /// <summary>A failure to connect.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="source">The address that was to be connected from; null for any.</param>
    public static PeerException OfConnecting(SocketException e, IPAddress? source) => ProbeResults.Of(e.SocketErrorCode) switch
    {
        ProbeResult.Reset => Ended("reset by the peer", ProbeResult.Reset, default, e),
        ProbeResult.Local when source is not null => new(ProbeResult.Local, $"from {source}: {OneLine(e)}", e),
        var result => new(result, OneLine(e), e),
    };

    /// <summary>A TLS handshake that failed.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="seen">What came from the peer meanwhile.</param>
    /// <param name="certificateFault">Why its certificate was refused; null where it was not.</param>
    /// <param name="age">How long the connection lasted.</param>
    public static PeerException OfHandshake(Exception e, PipeStream seen, string? certificateFault, TimeSpan age)
    {
        if ((certificateFault ?? TlsFaults.Of(e, seen.First)) is { } fault)
        {
            return new PeerException(ProbeResult.Tls, fault, e);
        }

        if (SocketErrorOf(e) is null && !seen.HasEnded)
        {
            return new PeerException(ProbeResult.Tls, $"the TLS handshake failed: {OneLine(e.GetBaseException())}", e);
        }

        // Not a byte in answer to the handshake's first: a peer that speaks TLS would have said why.
        return seen.First.IsEmpty
            ? OfConnection(e, new ConnectionProgress(0, 0, 0, age))
            : new PeerException(SocketErrorOf(e) is { } error ? ProbeResults.Of(error) : ProbeResult.Closed, $"{Verb(SocketErrorOf(e), e)} in the TLS handshake, after {ConnectionProgress.Text(age)}", e);
    }

    /// <summary>Something else came back.</summary>
    /// <param name="message">What is wrong with it.</param>
    /// <param name="received">What came, as far as it was looked at.</param>
    public static PeerException OfMismatch(string message, byte[] received) => new(ProbeResult.Mismatch, message) { Received = received };

    /// <summary>A failure of an open connection.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="progress">How far it had come.</param>
    public static PeerException OfConnection(Exception e, ConnectionProgress progress)
    {
        // With TLS 1.3, a peer that wants another certificate says so only after the handshake.
        if (TlsFaults.Of(e, default) is { } fault)
        {
            return new PeerException(ProbeResult.Tls, fault, e);
        }

        var error = SocketErrorOf(e);
        return Ended(Verb(error, e), error is { } code ? ProbeResults.Of(code) : e is ConnectionAbortedException ? ProbeResult.Local : ProbeResult.Closed, progress, e);
    }

    /// <summary>The peer ended the connection in order (FIN), too early.</summary>
    public static PeerException OfEnd(ConnectionProgress progress) => Ended(Verb(null, null), ProbeResult.Closed, progress, null);

    /// <summary>Whether this is how a connection fails. Being aborted looks like a cancellation, and is none.</summary>
    public static bool IsConnectionFailure(Exception e) => e is IOException or SocketException or AuthenticationException or ConnectionAbortedException;

    private static PeerException Ended(string verb, ProbeResult result, ConnectionProgress progress, Exception? cause)
    {
        var isTurnedAway = progress.IsNone && result is ProbeResult.Closed or ProbeResult.Reset;
        if (isTurnedAway && progress.WasCertificateWanted)
        {
            // Some servers, .NET's among them, refuse a certificate without an alert and after the handshake.
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

    /// <summary>The system's error in what was thrown; null where it is none, as for an end in the midst of TLS.</summary>
    private static SocketError? SocketErrorOf(Exception? e) => e switch
    {
        null => null,
        ConnectionResetException => SocketError.ConnectionReset,
        SocketException socket => socket.SocketErrorCode,
        _ => SocketErrorOf(e.InnerException),
    };

    private static string OneLine(Exception e) => e.Message.ReplaceLineEndings(" ").Trim();
}
