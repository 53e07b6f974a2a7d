namespace EchoHost.Connections.ProxyProtocol;

/// <summary>The PROXY headers that this program sends itself.</summary>
internal static class ProxyHeaderWriter
{
    /// <summary>Version 2, LOCAL: the sender speaks for itself, as a health check does (proxy-protocol.txt, section 2.2).</summary>
    public static ReadOnlyMemory<byte> Local { get; } = new byte[] { 0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x20, 0x00, 0x00, 0x00 };
}
