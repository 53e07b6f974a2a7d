using System.Buffers.Binary;

namespace Kestrel.ProxyProtocol;

/// <summary>The value of <see cref="ProxyTlvType.Ssl"/>: the client's TLS connection to the proxy (section 2.2.6).</summary>
public readonly ref struct ProxySslValue
{
    internal const int PrefixLength = 5;

    private const byte Tls = 0x01;
    private const byte CertificateOnConnection = 0x02;
    private const byte CertificateInSession = 0x04;

    private readonly ReadOnlySpan<byte> _value;

    /// <summary>Reads the value of a header.</summary>
    /// <param name="value">The bytes of the value.</param>
    /// <exception cref="ArgumentException">
    /// The value is shorter than 5 bytes. The parser rejects headers with such a value.
    /// </exception>
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

    /// <summary>Whether the client presented a certificate, on this connection or earlier in its TLS session.</summary>
    public bool HasClientCertificate => (_value[0] & (CertificateOnConnection | CertificateInSession)) != 0;

    /// <summary>Whether the client presented a certificate and the proxy verified it.</summary>
    public bool IsClientCertificateVerified => HasClientCertificate && BinaryPrimitives.ReadUInt32BigEndian(_value[1..]) == 0;

    /// <summary>The values inside: version, common name, cipher.</summary>
    public ReadOnlySpan<byte> Tlvs => _value[PrefixLength..];
}
