using System.Net.Sockets;

namespace EchoHost.Transport;

/// <summary>A socket that listens on a path, and takes its file away when it is closed, unless that is another's by now.</summary>
internal sealed class UnixListenSocket() : Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
{
    private string? _path;
    private UnixSocketFile.Identity? _file;

    /// <summary>Binds to a path, whose file then has the mode. No client can connect before the socket listens, so none meets another mode.</summary>
    public void Bind(string path, UnixFileMode mode)
    {
        Bind(new UnixListenEndPoint(path));
        _path = path;
        _file = UnixSocketFile.Identify(path);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }

    protected override void Dispose(bool disposing)
    {
        // While it still listens, so that another process does not take the path for a stale one and replace it.
        if (disposing && Interlocked.Exchange(ref _path, null) is { } path && UnixSocketFile.Identify(path) == _file)
        {
            File.Delete(path);
        }

        base.Dispose(disposing);
    }
}
