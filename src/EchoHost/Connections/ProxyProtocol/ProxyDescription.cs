using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using EchoHost.Text;
using Kestrel.ProxyProtocol;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>What a proxy says about a connection, as <c>/connections</c> shows it. Text from the proxy is escaped.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Authority">The host name that the client asked for (SNI).</param>
/// <param name="Alpn">The application protocol that the client and the proxy agreed on.</param>
/// <param name="UniqueId">
/// The proxy's id of the connection: text if all of it is printable ASCII, as HAProxy's usually is; otherwise hexadecimal.
/// </param>
/// <param name="Tls">The client's TLS connection to the proxy; null without TLS.</param>
/// <param name="AwsVpcEndpointId">The id of the client's AWS VPC endpoint.</param>
/// <param name="AzureLinkId">The id of the client's Azure Private Link.</param>
internal sealed record ProxyDescription(
    int Version,
    string? Authority = null,
    string? Alpn = null,
    string? UniqueId = null,
    ProxyTlsDescription? Tls = null,
    string? AwsVpcEndpointId = null,
    uint? AzureLinkId = null)
{
    /// <summary>Reads the values to show from a header's TLVs, which must be well-formed.</summary>
    public static ProxyDescription From(int version, ReadOnlySpan<byte> values)
    {
        var description = new ProxyDescription(version);
        for (var tlvs = new ProxyTlvReader(values); tlvs.TryRead(out var type, out var value);)
        {
            description = type switch
            {
                ProxyTlvType.Authority => description with { Authority = Text(value) },
                ProxyTlvType.Alpn => description with { Alpn = Text(value) },
                ProxyTlvType.UniqueId when value.Length > 0 => description with { UniqueId = Id(value) },
                ProxyTlvType.Ssl => description with { Tls = ProxyTlsDescription.From(new ProxySslValue(value)) },
                ProxyTlvType.Aws when value is [1, .. var id] => description with { AwsVpcEndpointId = Text(id) },
                ProxyTlvType.Azure when value is [1, _, _, _, _] => description with { AzureLinkId = BinaryPrimitives.ReadUInt32LittleEndian(value[1..]) },
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
