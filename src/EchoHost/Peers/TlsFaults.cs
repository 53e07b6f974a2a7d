using System.Security.Cryptography;

namespace EchoHost.Peers;

/// <summary>Why TLS failed, in words. The framework's own speak of frames and of OpenSSL's routines.</summary>
internal static class TlsFaults
{
    // A record of TLS: its type, the version (3 and another byte), its length (RFC 8446, 5.1).
    private const byte FirstType = 20;
    private const byte LastType = 24;
    private const byte Alert = 21;
    private const byte Handshake = 22;
    private const byte ClientHello = 1;
    private const byte Major = 3;
    private const int HeaderSize = 5;
    private const int AlertSize = 2;

    private const string NoTls = "the peer does not speak TLS";

    // OpenSSL packs the library and the reason into one number; an alert's reason is this much more than its own number (ssl.h).
    private const int ReasonBits = 23;
    private const int SslLibrary = 20;
    private const int AlertOffset = 1000;
    private const int MaxAlert = 255;

    /// <summary>How many bytes of the first record <see cref="Of"/> looks at.</summary>
    public const int Looks = HeaderSize + AlertSize;

    /// <summary>What is wrong; null where it is nothing that TLS has said.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="first">The first bytes that came from the peer, where this was the handshake.</param>
    public static string? Of(Exception e, ReadOnlySpan<byte> first)
    {
        if (first.Length > 0 && (first[0] is < FirstType or > LastType || (first.Length > 1 && first[1] != Major)))
        {
            return NoTls;
        }

        if (first.Length > HeaderSize && first[0] == Handshake && first[HeaderSize] == ClientHello)
        {
            return $"{NoTls}: it sends back what it gets";
        }

        // In the clear: the peer has refused before there were keys.
        if (first.Length >= Looks && first[0] == Alert && first[4] == AlertSize)
        {
            return OfAlert(first[HeaderSize + 1]);
        }

        return OfOpenSsl(e);
    }

    /// <summary>What a peer means by an alert (RFC 8446, 6.2).</summary>
    public static string OfAlert(int alert)
    {
        const string certificate = "the peer refuses the client certificate";
        const string ended = "the peer refuses the handshake";
        return alert switch
        {
            40 => $"{ended}: no common parameters, or no client certificate",
            42 => $"{certificate}: it is bad, or missing",
            43 => $"{certificate}: its kind is not supported",
            44 => $"{certificate}: it is revoked",
            45 => $"{certificate}: it has expired",
            46 => $"{certificate}: it is not acceptable",
            48 => $"{certificate}: its authority is unknown",
            49 => $"{certificate}: access is denied",
            70 => $"{ended}: no common version of TLS",
            71 => $"{ended}: its parameters are not secure enough",
            80 => $"{ended}: an error of its own",
            112 => $"{ended}: it does not know the server name",
            116 => "the peer wants a client certificate",
            120 => $"{ended}: no common application protocol",
            _ => ended,
        } + $" (TLS alert {alert})";
    }

    private static string? OfOpenSsl(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is CryptographicException && (e.HResult >>> ReasonBits) == SslLibrary)
            {
                var reason = e.HResult & ((1 << ReasonBits) - 1);
                // As in "error:0A000102:SSL routines::unsupported protocol".
                return reason is > AlertOffset and <= AlertOffset + MaxAlert ? OfAlert(reason - AlertOffset) : $"TLS failed: {e.Message[(e.Message.LastIndexOf(':') + 1)..].Trim()}";
            }
        }

        return null;
    }
}
