using System.Net.Sockets;

namespace EchoHost.Transport;

/// <summary>A socket that listens on a path. Closing it removes its file, unless another file has taken the path.</summary>
internal sealed class UnixListenSocket() : Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
{
    private string? _path;
    private UnixSocketFile.Identity? _file;

    /// <summary>
    /// Binds to a path and sets the file's mode. Clients can connect only after Listen, so none gets in under another mode.
    /// </summary>
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
        // Remove the file while the socket still listens; otherwise another process could see it as stale and replace it.
        if (disposing && Interlocked.Exchange(ref _path, null) is { } path && UnixSocketFile.Identify(path) == _file)
        {
            File.Delete(path);
        }

        base.Dispose(disposing);
    }
}
