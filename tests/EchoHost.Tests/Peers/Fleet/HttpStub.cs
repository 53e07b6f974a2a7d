using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Peers.Mesh;

namespace EchoHost.Tests.Peers.Fleet;

/// <summary>Something that answers HTTP as the test says, and keeps what it was asked.</summary>
internal sealed class HttpStub : IAsyncDisposable
{
    private readonly StubPeer _listener;
    private readonly Func<Socket, CancellationToken, Task> _answer;
    private readonly List<string> _requests = [];

    public HttpStub(IPEndPoint at, Func<Socket, CancellationToken, Task> answer)
    {
        _answer = answer;
        _listener = StubPeer.Serves(ServeAsync, at);
    }

    /// <summary>Sends the text, then FIN.</summary>
    public HttpStub(IPEndPoint at, string answer)
        : this(at, async (socket, stop) => await socket.SendAsync(Encoding.UTF8.GetBytes(answer), stop))
    {
    }

    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>An answer with a JSON body.</summary>
    public static string Json(string body) =>
        $"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private async Task ServeAsync(Socket socket, CancellationToken stop)
    {
        var request = new StringBuilder();
        var buffer = new byte[4096];
        while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer, stop);
            if (read == 0)
            {
                return;
            }

            request.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }

        lock (_requests)
        {
            _requests.Add(request.ToString());
        }

        await _answer(socket, stop);
    }
}
