using System.Net;
using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>A listener that handles connections as the test says, and counts them.</summary>
internal sealed class StubPeer : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<StubPeer, Socket, CancellationToken, Task> _serve;
    private readonly Task _accepting;
    private int _accepted;
    private int _ended;
    private int _received;

    private StubPeer(Func<StubPeer, Socket, CancellationToken, Task> serve, IPEndPoint? at)
    {
        _serve = serve;
        _listener.Bind(at ?? new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1024);
        Address = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    public IPEndPoint Address { get; }

    public string Name => Address.ToString();

    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>The number of connections that have ended.</summary>
    public int Ended => Volatile.Read(ref _ended);

    /// <summary>The number of reads that returned bytes.</summary>
    public int Received => Volatile.Read(ref _received);

    /// <summary>Handles each connection in the given way.</summary>
    public static StubPeer Serves(Func<Socket, CancellationToken, Task> serve, IPEndPoint at) => new((_, socket, stop) => serve(socket, stop), at);

    /// <summary>Echoes every byte.</summary>
    public static StubPeer Echoes(IPEndPoint? at = null) =>
        new((peer, socket, stop) => peer.ReadAsync(socket, async bytes => await socket.SendAsync(bytes, stop), stop), at);

    /// <summary>Answers with other bytes, with which no probe starts.</summary>
    public static StubPeer Lies() =>
        new((peer, socket, stop) => peer.ReadAsync(socket, async bytes => await socket.SendAsync("LIES"u8.ToArray(), stop), stop), null);

    /// <summary>Reads and never answers.</summary>
    public static StubPeer IsSilent() => new((peer, socket, stop) => peer.ReadAsync(socket, _ => Task.CompletedTask, stop), null);

    /// <summary>Reads, then closes the connection.</summary>
    public static StubPeer Closes() => new(
        async (peer, socket, stop) =>
        {
            await socket.ReceiveAsync(new byte[1024], stop);
            socket.Shutdown(SocketShutdown.Send);
            await peer.ReadAsync(socket, _ => Task.CompletedTask, stop);
        },
        null);

    /// <summary>Resets each connection, at once, as a draining or full host does, or after the first bytes.</summary>
    public static StubPeer TurnsAway(bool atOnce = true) => new(
        async (_, socket, stop) =>
        {
            if (!atOnce)
            {
                await socket.ReceiveAsync(new byte[1024], stop);
            }

            socket.LingerState = new LingerOption(true, 0);
        },
        null);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting.WaitAsync(Wait.Limit);
        _stop.Dispose();
    }

    private async Task ReadAsync(Socket socket, Func<ReadOnlyMemory<byte>, Task> onRead, CancellationToken stop)
    {
        var buffer = new byte[64 * 1024];
        for (int read; (read = await socket.ReceiveAsync(buffer, stop)) > 0;)
        {
            Interlocked.Increment(ref _received);
            await onRead(buffer.AsMemory(0, read));
        }
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                Interlocked.Increment(ref _accepted);
                serving.Add(ServeAsync(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                await _serve(this, socket, _stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The client is gone, or the test is over.
            }

            Interlocked.Increment(ref _ended);
        }
    }
}
