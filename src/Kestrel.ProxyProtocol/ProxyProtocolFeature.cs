using System.Net;
using System.Net.Sockets;

namespace Kestrel.ProxyProtocol;

/// <summary>A header's content, kept after the bytes that it lay in are gone.</summary>
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
