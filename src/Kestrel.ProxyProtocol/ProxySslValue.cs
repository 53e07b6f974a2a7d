using System.Buffers.Binary;

namespace Kestrel.ProxyProtocol;

/// <summary>What <see cref="ProxyTlvType.Ssl"/> says of the client's TLS connection to the proxy (section 2.2.6).</summary>
public readonly ref struct ProxySslValue
{
    internal const int PrefixLength = 5;

    private const byte Tls = 0x01;
    private const byte CertificateOnConnection = 0x02;
    private const byte CertificateInSession = 0x04;

    private readonly ReadOnlySpan<byte> _value;

    /// <summary>Reads a value as the header has it.</summary>
    /// <param name="value">The bytes of the value.</param>
    /// <exception cref="ArgumentException">They are fewer than 5. No header that was parsed has such a value.</exception>
    public ProxySslValue(ReadOnlySpan<byte> value)
    {
        if (value.Length < PrefixLength)
        {
            throw new ArgumentException($"An SSL value has at least {PrefixLength} bytes, this one has {value.Length}.", nameof(value));
        }

        _value = value;
    }

    /// <summary>Whether the client came over TLS.</summary>
    public bool IsTls => (_value[0] & Tls) != 0;

    /// <summary>Whether the client showed a certificate, on this connection or earlier in its session.</summary>
    public bool HasClientCertificate => (_value[0] & (CertificateOnConnection | CertificateInSession)) != 0;

    /// <summary>Whether the client showed a certificate and the proxy verified it.</summary>
    public bool IsClientCertificateVerified => HasClientCertificate && BinaryPrimitives.ReadUInt32BigEndian(_value[1..]) == 0;

    /// <summary>The values within: version, common name, cipher.</summary>
    public ReadOnlySpan<byte> Tlvs => _value[PrefixLength..];
}
