using System.Net;
using System.Net.Sockets;

namespace Kestrel.ProxyProtocol;

/// <summary>A copy of a header's content, which outlives the bytes that it was parsed from.</summary>
internal sealed class ProxyProtocolFeature(in ProxyHeader header, EndPoint? proxy) : IProxyProtocolFeature
{
    public int Version { get; } = header.Version;

    public ProxyCommand Command { get; } = header.Command;

    public AddressFamily AddressFamily { get; } = header.AddressFamily;

    public SocketType SocketType { get; } = header.SocketType;

    public IPEndPoint? Source { get; } = header.HasAddresses ? header.Source.ToEndPoint() : null;

    public IPEndPoint? Destination { get; } = header.HasAddresses ? header.Destination.ToEndPoint() : null;

    public EndPoint? ProxyEndPoint { get; } = proxy;

    public ReadOnlyMemory<byte> Tlvs { get; } = header.Tlvs.ToArray();
}
