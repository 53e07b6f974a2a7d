using System.Net.Sockets;

namespace EchoHost.Transport;

/// <summary>The options of a framework's socket.</summary>
internal sealed class SocketOptions(Socket socket) : ISocketOptions
{
    /// <summary>Null where there is no socket, or one of another kind than TCP.</summary>
    public static SocketOptions? Of(Socket? socket) => socket is { ProtocolType: ProtocolType.Tcp } ? new SocketOptions(socket) : null;

    public int Get(int level, int name, Span<byte> value)
    {
        try
        {
            return socket.GetRawSocketOption(level, name, value);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return -1;
        }
    }
}
