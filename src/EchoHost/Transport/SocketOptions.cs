using System.Net.Sockets;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace EchoHost.Transport;

/// <summary>The epoll transport's feature for the framework's sockets: their options and state.</summary>
internal sealed class SocketOptions(Socket socket) : IKernelSocketFeature
{
    private readonly bool _isTcp = socket.ProtocolType == ProtocolType.Tcp;

    /// <summary>The socket of a connection, on either transport; null if it has none.</summary>
    public static IKernelSocketFeature? Of(IFeatureCollection connection) =>
        connection.Get<IKernelSocketFeature>()
        ?? (connection.Get<IConnectionSocketFeature>()?.Socket is { } socket ? new SocketOptions(socket) : null);

    public int UnreadBytes
    {
        get
        {
            try
            {
                return socket.Available;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return 0;
            }
        }
    }

    /// <summary>
    /// Reads an option of a TCP socket. Other sockets have no options of interest, and the call would only throw.
    /// </summary>
    public int GetOption(int level, int name, Span<byte> value)
    {
        try
        {
            return _isTcp ? socket.GetRawSocketOption(level, name, value) : -1;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return -1;
        }
    }

    public void ShutdownSend()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client is already gone.
        }
    }
}
