using System.Security.Cryptography;

namespace EchoHost.Peers;

/// <summary>Describes why TLS failed. The framework's own messages speak of frames and of OpenSSL's routines.</summary>
internal static class TlsFaults
{
    // The header of a TLS record: type, version (3 and a minor number), length (RFC 8446, section 5.1).
    private const byte FirstType = 20;
    private const byte LastType = 24;
    private const byte Alert = 21;
    private const byte Handshake = 22;
    private const byte ClientHello = 1;
    private const byte Major = 3;
    private const int HeaderSize = 5;
    private const int AlertSize = 2;

    private const string NoTls = "the peer does not speak TLS";

    // OpenSSL packs the library and the reason into one number. The reason for an alert is AlertOffset plus the alert (ssl.h).
    private const int ReasonBits = 23;
    private const int SslLibrary = 20;
    private const int AlertOffset = 1000;
    private const int MaxAlert = 255;

    /// <summary>The number of bytes of the first record that <see cref="Of"/> needs.</summary>
    public const int Looks = HeaderSize + AlertSize;

    /// <summary>The TLS failure in words; null if the cause is not TLS.</summary>
    /// <param name="e">The exception.</param>
    /// <param name="first">The first bytes that the peer sent in the handshake; empty after the handshake.</param>
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

        // An alert in plain text: the peer refused the handshake before keys were agreed.
        if (first.Length >= Looks && first[0] == Alert && first[4] == AlertSize)
        {
            return OfAlert(first[HeaderSize + 1]);
        }

        return OfOpenSsl(e);
    }

    /// <summary>The meaning of an alert from a peer (RFC 8446, section 6.2).</summary>
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
                if (reason is > AlertOffset and <= AlertOffset + MaxAlert)
                {
                    return OfAlert(reason - AlertOffset);
                }

                // The message is like "error:0A000102:SSL routines::unsupported protocol".
                return $"TLS failed: {e.Message[(e.Message.LastIndexOf(':') + 1)..].Trim()}";
            }
        }

        return null;
    }
}
