using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace EchoHost.Tests.Infrastructure;

/// <summary>The socket at which systemd would hear of a service: sd_notify(3).</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly string? _folder;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly ConcurrentQueue<string> _messages = new();

    /// <param name="isAbstract">Whether it has a name of its own in place of a file's path.</param>
    public NotifySocket(bool isAbstract = false)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "systemd runs on Linux");
        if (isAbstract)
        {
            var name = $"echohost-test-{Guid.NewGuid():N}";
            Path = $"@{name}";
            _socket.Bind(new UnixDomainSocketEndPoint($"\0{name}"));
        }
        else
        {
            _folder = Directory.CreateTempSubdirectory("echohost-notify").FullName;
            Path = System.IO.Path.Combine(_folder, "notify");
            _socket.Bind(new UnixDomainSocketEndPoint(Path));
        }
    }

    /// <summary>The value of NOTIFY_SOCKET.</summary>
    public string Path { get; }

    public (string Name, string Value) Variable => ("NOTIFY_SOCKET", Path);

    /// <summary>The lines of all messages that have been received.</summary>
    public IEnumerable<string> Lines => _messages.SelectMany(message => message.Split('\n'));

    /// <summary>Receives messages until one has this line.</summary>
    public async Task UntilAsync(string line)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        for (var buffer = new byte[4096]; ;)
        {
            var count = await _socket.ReceiveAsync(buffer.AsMemory(), limit.Token);
            var message = Encoding.UTF8.GetString(buffer, 0, count);
            _messages.Enqueue(message);
            if (message.Split('\n').Contains(line, StringComparer.Ordinal))
            {
                return;
            }
        }
    }

    /// <summary>Receives what has been sent already.</summary>
    public void Drain()
    {
        for (var buffer = new byte[4096]; _socket.Available > 0;)
        {
            _messages.Enqueue(Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer)));
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
