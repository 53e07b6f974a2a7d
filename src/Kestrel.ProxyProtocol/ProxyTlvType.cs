namespace Kestrel.ProxyProtocol;

/// <summary>The types of version 2's values (section 2.2, and the vendors' manuals). Other types may occur.</summary>
public static class ProxyTlvType
{
    /// <summary>The application protocol that the client and the proxy agreed on, as TLS spells it (section 2.2.1).</summary>
    public const byte Alpn = 0x01;

    /// <summary>The host name that the client asked for: SNI, in UTF-8 (section 2.2.2).</summary>
    public const byte Authority = 0x02;

    /// <summary>The header's CRC32C, 4 bytes, most significant first (section 2.2.3). The parser has verified it.</summary>
    public const byte Crc32C = 0x03;

    /// <summary>Padding, to be ignored (section 2.2.4).</summary>
    public const byte Noop = 0x04;

    /// <summary>The proxy's id of the connection: at most 128 bytes of its choice (section 2.2.5).</summary>
    public const byte UniqueId = 0x05;

    /// <summary>The client's TLS connection to the proxy (section 2.2.6); <see cref="ProxySslValue"/> reads it.</summary>
    public const byte Ssl = 0x20;

    /// <summary>Inside <see cref="Ssl"/>: the version of TLS, such as <c>TLSv1.3</c>.</summary>
    public const byte SslVersion = 0x21;

    /// <summary>Inside <see cref="Ssl"/>: the common name of the client's certificate, in UTF-8.</summary>
    public const byte SslCommonName = 0x22;

    /// <summary>Inside <see cref="Ssl"/>: the cipher's name.</summary>
    public const byte SslCipher = 0x23;

    /// <summary>The network namespace of the connection (section 2.2.7).</summary>
    public const byte NetworkNamespace = 0x30;

    /// <summary>AWS: the byte 1, then the id of the VPC endpoint in ASCII.</summary>
    public const byte Aws = 0xEA;

    /// <summary>Azure: the byte 1, then the id of the private link, 32 bits, least significant byte first.</summary>
    public const byte Azure = 0xEE;
}
