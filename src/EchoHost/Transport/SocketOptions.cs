using System.Net.Sockets;

namespace EchoHost.Transport;

/// <summary>The options and state of a framework's socket.</summary>
internal sealed class SocketOptions(Socket socket) : ISocketOptions
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
    public int Get(int level, int name, Span<byte> value)
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

    public void EndSending()
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
