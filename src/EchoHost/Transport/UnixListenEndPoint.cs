using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EchoHost.Transport;

/// <summary>
/// A Unix socket's path, passed to the kernel and the runtime at full length. The runtime sizes the buffer for a client's
/// address by the listener's own; a client bound to a longer name would overrun that buffer and crash the process.
/// </summary>
internal sealed class UnixListenEndPoint(string path) : EndPoint
{
    /// <summary>sizeof(struct sockaddr_un), unix(7).</summary>
    private const int Size = 110;

    private const int PathOffset = 2;

    private readonly UnixDomainSocketEndPoint _inner = new(path);

    public override AddressFamily AddressFamily => AddressFamily.Unix;

    public override SocketAddress Serialize()
    {
        var address = new SocketAddress(AddressFamily.Unix, Size);
        Encoding.UTF8.GetBytes(path).CopyTo(address.Buffer.Span[PathOffset..]);
        return address;
    }

    public override EndPoint Create(SocketAddress socketAddress) => _inner.Create(socketAddress);

    public override string ToString() => path;
}
