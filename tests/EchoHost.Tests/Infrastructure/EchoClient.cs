using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A test client: a plain socket, every call of which has a time limit.</summary>
internal sealed class EchoClient : IDisposable
{
    private EchoClient(Socket socket) => (Socket, LocalAddress) = (socket, socket.LocalEndPoint!.ToString()!);

    public Socket Socket { get; }

    /// <summary>The address and port that the host sees.</summary>
    public string LocalAddress { get; }

    public static async Task<EchoClient> ConnectAsync(EndPoint target, int? receiveBuffer = null, IPAddress? from = null)
    {
        var socket = target is IPEndPoint
            ? new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (receiveBuffer is { } size)
        {
            socket.ReceiveBufferSize = size;
        }

        if (from is not null)
        {
            socket.Bind(new IPEndPoint(from, 0));
        }

        try
        {
            await Bounded(stop => socket.ConnectAsync(target, stop).AsTask());
            return new EchoClient(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public Task SendAsync(byte[] bytes) => SendAsync(bytes.AsMemory());

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => Bounded(async stop =>
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await Socket.SendAsync(bytes, SocketFlags.None, stop)..];
        }
    });

    /// <summary>Receives exactly <paramref name="count"/> bytes; fails if the host closes first.</summary>
    public async Task<byte[]> ReceiveAsync(int count)
    {
        var bytes = await ReceiveUpToAsync(count);
        Assert.True(bytes.Length == count, $"the host ended after {bytes.Length} of {count} bytes");
        return bytes;
    }

    /// <summary>Receives <paramref name="count"/> bytes, or fewer if the host closes first.</summary>
    public Task<byte[]> ReceiveUpToAsync(int count) => Bounded(async stop =>
    {
        var bytes = new byte[count];
        var filled = 0;
        for (int read; filled < count && (read = await Socket.ReceiveAsync(bytes.AsMemory(filled), SocketFlags.None, stop)) > 0;)
        {
            filled += read;
        }

        return bytes[..filled];
    });

    /// <summary>Receives all bytes up to the host's FIN.</summary>
    public Task<byte[]> ReceiveToEndAsync() => Bounded(async stop =>
    {
        var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int read; (read = await Socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None, stop)) > 0;)
        {
            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    });

    /// <summary>Sends a text and reads it back.</summary>
    public async Task EchoAsync(string text)
    {
        await SendAsync(text);
        Assert.Equal(text, Encoding.UTF8.GetString(await ReceiveAsync(Encoding.UTF8.GetByteCount(text))));
    }

    /// <summary>
    /// Connects, sends a text if given, and waits to be rejected: by a reset, or by a close without a byte. The reset may
    /// come early, even before <c>connect</c> has returned.
    /// </summary>
    public static async Task ExpectTurnedAwayAsync(EndPoint target, string text = "")
    {
        try
        {
            using var client = await ConnectAsync(target);
            await client.SendAsync(text);
            await client.ReceiveEndAsync();
        }
        catch (SocketException e) when (IsReset(e))
        {
            // Rejected, as expected.
        }
    }

    /// <summary>Connects, sends a text and reads it back; null if the host rejects the connection, however early.</summary>
    public static async Task<EchoClient?> TryEnterAsync(EndPoint target, string text)
    {
        EchoClient? client = null;
        try
        {
            client = await ConnectAsync(target);
            await client.SendAsync(text);
            var received = await client.ReceiveUpToAsync(Encoding.UTF8.GetByteCount(text));
            if (received.Length > 0)
            {
                Assert.Equal(text, Encoding.UTF8.GetString(received));
                return client;
            }
        }
        catch (SocketException e) when (IsReset(e))
        {
            // Rejected.
        }

        client?.Dispose();
        return null;
    }

    /// <summary>
    /// Whether an exception means a reset, in any call: connect, send (the second after a reset gets EPIPE) or receive.
    /// </summary>
    public static bool IsReset(SocketException e) => e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.NotConnected;

    /// <summary>Waits for the host to end this connection without having sent a byte: by FIN or by a reset.</summary>
    public async Task ReceiveEndAsync()
    {
        try
        {
            Assert.Empty(await ReceiveToEndAsync());
        }
        catch (SocketException e) when (IsReset(e))
        {
            // A reset counts too.
        }
    }

    /// <summary>Enlarges the receive buffer, once a small one has served its purpose.</summary>
    public void OpenWide() => Socket.ReceiveBufferSize = 1024 * 1024;

    public void HalfClose() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Ends the connection with RST.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    public void Dispose() => Socket.Dispose();

    private static async Task Bounded(Func<CancellationToken, Task> call)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        await call(limit.Token);
    }

    private static async Task<T> Bounded<T>(Func<CancellationToken, Task<T>> call)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        return await call(limit.Token);
    }
}
