using System.Net.Sockets;
using Kestrel.Epoll;

namespace EchoHost.Transport;

/// <summary>The options and state of a framework's socket, as the epoll transport gives them without one.</summary>
internal sealed class SocketOptions(Socket socket) : IKernelSocketFeature
{
    private readonly bool _isTcp = socket.ProtocolType == ProtocolType.Tcp;

    /// <summary>Null where there is no socket.</summary>
    public static SocketOptions? Of(Socket? socket) => socket is null ? null : new SocketOptions(socket);

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

    /// <summary>Sockets other than TCP, which have no options of interest, are not asked: what they answer is an exception.</summary>
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
            // The other end is gone already.
        }
    }
}
