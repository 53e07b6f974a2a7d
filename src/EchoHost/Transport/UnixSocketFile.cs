using System.Net.Sockets;

namespace EchoHost.Transport;

/// <summary>The file of a Unix socket outlives a process that was killed; bind(2) then fails until it is removed.</summary>
internal static class UnixSocketFile
{
    /// <summary>
    /// Removes the socket file that nobody serves: one that refuses a connection. A served one, or a file of any other
    /// kind, is left alone, so that binding fails.
    /// </summary>
    public static void RemoveIfStale(string path)
    {
        if (!File.Exists(path) || !IsSocket(path))
        {
            return;
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
        }
        catch (SocketException)
        {
            // Served, but busy.
        }
    }

    /// <summary>Of all files, only a socket can't be opened for lack of a device (open(2), ENXIO).</summary>
    public static bool IsSocket(string path)
    {
        const int noSuchDevice = 6;
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException e)
        {
            return e.HResult == noSuchDevice;
        }
    }
}
