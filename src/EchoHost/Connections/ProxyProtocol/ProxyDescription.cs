using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using EchoHost.Echo;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>What a proxy told of a connection, as <c>/connections</c> shows it. Text from the proxy is escaped.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Authority">The host name that the client asked for (SNI).</param>
/// <param name="Alpn">The application protocol that the client and the proxy agreed on.</param>
/// <param name="UniqueId">The proxy's id of the connection: text where all of it is printable ASCII, as HAProxy's usually is, else in hexadecimal.</param>
/// <param name="Tls">How the client's TLS connection to the proxy was; null where it had none.</param>
/// <param name="AwsVpcEndpointId">Amazon's endpoint service: through which endpoint the client came.</param>
/// <param name="AzureLinkId">Azure Private Link: through which link the client came.</param>
internal sealed record ProxyDescription(int Version, string? Authority = null, string? Alpn = null, string? UniqueId = null, ProxyTlsDescription? Tls = null, string? AwsVpcEndpointId = null, uint? AzureLinkId = null)
{
    /// <summary>Reads what is worth showing from a header's checked values.</summary>
    public static ProxyDescription From(in ProxyHeader header)
    {
        var description = new ProxyDescription(header.Version);
        for (var at = 0; ProxyTlvs.TryTake(header.Tlvs, ref at, out var type, out var value);)
        {
            description = type switch
            {
                ProxyTlvs.Authority => description with { Authority = Text(value) },
                ProxyTlvs.Alpn => description with { Alpn = Text(value) },
                ProxyTlvs.UniqueId when value.Length > 0 => description with { UniqueId = Id(value) },
                ProxyTlvs.Ssl => description with { Tls = ProxyTlsDescription.From(value) },
                ProxyTlvs.Aws when value is [1, .. var id] => description with { AwsVpcEndpointId = Text(id) },
                ProxyTlvs.Azure when value is [1, _, _, _, _] => description with { AzureLinkId = BinaryPrimitives.ReadUInt32LittleEndian(value[1..]) },
                _ => description,
            };
        }

        return description;
    }

    private static string Id(ReadOnlySpan<byte> value)
    {
        var isPrintable = !value.ContainsAnyExceptInRange((byte)' ', (byte)'~');
        return isPrintable ? Encoding.ASCII.GetString(value) : Convert.ToHexStringLower(value);
    }

    internal static string Text(ReadOnlySpan<byte> value) => MessageText.Escape(new ReadOnlySequence<byte>(value.ToArray()));
}

/// <summary>The client's TLS connection as the proxy saw it (proxy-protocol.txt, section 2.2.6).</summary>
/// <param name="Version">As the proxy's TLS library spells it, such as <c>TLSv1.3</c>.</param>
/// <param name="Cipher">The cipher's name.</param>
/// <param name="ClientCertificate">Whether the client showed a certificate.</param>
/// <param name="Verified">Whether that certificate was verified.</param>
/// <param name="CommonName">The certificate's common name.</param>
internal sealed record ProxyTlsDescription(string? Version, string? Cipher, bool ClientCertificate, bool Verified, string? CommonName)
{
    private const byte ClientTls = 0x01;
    private const byte ClientCertificateOnConnection = 0x02;
    private const byte ClientCertificateInSession = 0x04;

    /// <summary>Reads an SSL value; null where the client came without TLS.</summary>
    public static ProxyTlsDescription? From(ReadOnlySpan<byte> value)
    {
        var client = value[0];
        if ((client & ClientTls) == 0)
        {
            return null;
        }

        string? version = null, cipher = null, commonName = null;
        for (var at = ProxyTlvs.SslPrefixLength; ProxyTlvs.TryTake(value, ref at, out var type, out var part);)
        {
            switch (type)
            {
                case ProxyTlvs.SslVersion:
                    version = ProxyDescription.Text(part);
                    break;
                case ProxyTlvs.SslCipher:
                    cipher = ProxyDescription.Text(part);
                    break;
                case ProxyTlvs.SslCommonName:
                    commonName = ProxyDescription.Text(part);
                    break;
            }
        }

        var hasCertificate = (client & (ClientCertificateOnConnection | ClientCertificateInSession)) != 0;
        return new ProxyTlsDescription(version, cipher, hasCertificate, hasCertificate && BinaryPrimitives.ReadUInt32BigEndian(value[1..]) == 0, commonName);
    }
}
