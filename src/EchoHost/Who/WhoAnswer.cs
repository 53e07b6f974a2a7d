using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;

namespace EchoHost.Who;

/// <summary>What the host sees of a connection: the answer of a <c>Who</c> endpoint and of <c>GET /who</c>.</summary>
/// <param name="Instance">The host's name.</param>
/// <param name="Labels">The host's labels.</param>
/// <param name="Version">As <c>EchoHost --version</c> prints it.</param>
/// <param name="Endpoint">The endpoint's name.</param>
/// <param name="Connection">The connection's id, as in the log.</param>
/// <param name="Time">The time of the answer, UTC.</param>
/// <param name="Peer">The client's address and port.</param>
/// <param name="Via">The proxy's address and port, where a PROXY header named the client.</param>
/// <param name="Local">The host's address and port; the path of a Unix socket.</param>
/// <param name="Proxy">What a PROXY header said; null without one.</param>
/// <param name="Tls">The TLS connection; null without TLS.</param>
/// <param name="Tcp">The kernel's figures; null where there are none.</param>
/// <param name="Headers">The forwarding headers of an HTTP request; null on a raw endpoint.</param>
internal sealed record WhoAnswer(
    string Instance,
    IReadOnlyDictionary<string, string> Labels,
    string Version,
    string Endpoint,
    string Connection,
    DateTime Time,
    string Peer,
    string? Via,
    string? Local,
    ProxyDescription? Proxy,
    WhoTls? Tls,
    WhoTcp? Tcp,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string[]>? Headers = null)
{
    /// <summary>Escapes only what JSON must, so that people can read it. Control characters are escaped, so the answer is one line.</summary>
    private static readonly WhoJson Json = new(new JsonSerializerOptions(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>The answer as JSON in UTF-8, on one line that ends with a line feed.</summary>
    public byte[] ToLine() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json.WhoAnswer), (byte)'\n'];
}

/// <summary>The TLS connection of a client.</summary>
/// <param name="Protocol"><c>TLSv1.2</c> or <c>TLSv1.3</c>.</param>
/// <param name="Cipher">The cipher suite's IANA name.</param>
/// <param name="ServerName">The host name that the client asked for (SNI); null if it named none.</param>
/// <param name="Alpn">The application protocol agreed on (ALPN); null if there is none.</param>
/// <param name="ClientCertificate">The certificate that the client presented; null if it presented none.</param>
internal sealed record WhoTls(string Protocol, string Cipher, string? ServerName, string? Alpn, ClientCertificateDescription? ClientCertificate);

/// <summary>What the kernel's TCP_INFO says (tcp(7)).</summary>
/// <param name="RttMs">The smoothed round-trip time, in milliseconds.</param>
/// <param name="MinRttMs">The smallest round-trip time seen, in milliseconds.</param>
/// <param name="Mss">The maximum segment size for sending, in bytes.</param>
/// <param name="PathMtu">The path's MTU as far as the kernel knows it, in bytes.</param>
internal sealed record WhoTcp(double RttMs, double MinRttMs, uint Mss, uint PathMtu);

[JsonSerializable(typeof(WhoAnswer))]
internal sealed partial class WhoJson : JsonSerializerContext;
