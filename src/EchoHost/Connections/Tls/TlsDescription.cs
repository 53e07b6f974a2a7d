using System.Security.Authentication;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace EchoHost.Connections.Tls;

/// <summary>The TLS figures of a connection, as <c>/connections</c> shows them.</summary>
/// <param name="Protocol"><c>TLSv1.2</c> or <c>TLSv1.3</c>.</param>
/// <param name="Cipher">The cipher suite's IANA name.</param>
internal sealed record TlsDescription(string Protocol, string Cipher)
{
    /// <summary>Null for a connection without TLS.</summary>
    public static TlsDescription? From(IFeatureCollection connection) => connection.Get<ISslStreamFeature>()?.SslStream is { } stream
        ? new TlsDescription(NameOf(stream.SslProtocol), stream.NegotiatedCipherSuite.ToString())
        : null;

    private static string NameOf(SslProtocols protocol) => protocol switch
    {
        SslProtocols.Tls12 => "TLSv1.2",
        SslProtocols.Tls13 => "TLSv1.3",
        _ => protocol.ToString(),
    };
}
