using System.Net.Sockets;

namespace EchoHost.Transport;

/// <summary>A socket that listens on a path, and takes its file away when it is closed.</summary>
internal sealed class UnixListenSocket() : Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
{
    private string? _path;

    public void Bind(string path)
    {
        Bind(new UnixListenEndPoint(path));
        _path = path;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing && Interlocked.Exchange(ref _path, null) is { } path)
        {
            File.Delete(path);
        }
    }
}
