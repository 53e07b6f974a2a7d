using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using EchoHost.Peers;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A test server on a free port, with the behaviour that the test selects: see <see cref="Odd"/>.</summary>
internal sealed class OddPeer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly SslServerAuthenticationOptions? _tls;
    private readonly Func<OddConnection, Task> _behave;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;
    private int _accepted;

    private OddPeer(IPAddress address, SslServerAuthenticationOptions? tls, Func<OddConnection, Task> behave)
    {
        (_tls, _behave) = (tls, behave);
        _listener = new TcpListener(address, 0);
        _listener.Start(1024);
        _accepting = AcceptAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>The peer, by its address.</summary>
    public PeerTarget Target => new(EndPoint.Address.ToString(), EndPoint.Port, IsTls: _tls is not null);

    /// <summary>The peer, by a name that the test's resolver knows.</summary>
    public PeerTarget Named(string name) => Target with { Host = name };

    /// <summary>The number of connections accepted so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    public static OddPeer Start(Func<OddConnection, Task> behave, IPAddress? address = null) => new(address ?? IPAddress.Loopback, null, behave);

    /// <summary>Starts a peer with TLS; its behaviour begins after the handshake.</summary>
    public static OddPeer StartTls(SslServerAuthenticationOptions tls, Func<OddConnection, Task> behave) => new(IPAddress.Loopback, tls, behave);

    /// <summary>Starts a peer with TLS that presents this certificate.</summary>
    public static OddPeer StartTls(TestCertificate certificate, Func<OddConnection, Task> behave) =>
        StartTls(new SslServerAuthenticationOptions { ServerCertificate = certificate.Certificate }, behave);

    /// <summary>Waits until no process has a socket that is connected, or connecting, to this peer.</summary>
    public async Task ExpectNoConnectionAsync()
    {
        var port = EndPoint.Port;
        await Wait.UntilAsync(() => !TcpSockets.All().Any(socket => socket.IsTo(port) && socket.Inode != "0"), "no connection is open to the peer");
    }

    /// <summary>Ends every connection, with RST if it is still open.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting.WaitAsync(Wait.Limit);
        _listener.Dispose();
        // An unexpected exception of a behaviour fails the test.
        await Task.WhenAll(_connections).WaitAsync(Wait.Limit);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                var number = Interlocked.Increment(ref _accepted) - 1;
                _connections.Add(Task.Run(() => ServeAsync(socket, number)));
            }
        }
        catch (OperationCanceledException)
        {
            // The peer is being disposed.
        }
    }

    private async Task ServeAsync(Socket socket, int number)
    {
        using (socket)
        {
            socket.NoDelay = true;
            try
            {
                await using var plain = new NetworkStream(socket);
                if (_tls is null)
                {
                    await _behave(new OddConnection(socket, plain, number, _stop.Token));
                    return;
                }

                await using var encrypted = new SslStream(plain);
                try
                {
                    await encrypted.AuthenticateAsServerAsync(_tls, _stop.Token);
                }
                catch (Exception e) when (e is AuthenticationException)
                {
                    // Wait for the client's end: closing now could send a reset that overtakes the alert.
                    await new OddConnection(socket, plain, number, _stop.Token).EndAsync();
                    return;
                }

                await _behave(new OddConnection(socket, encrypted, number, _stop.Token));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client is gone, or the test is over.
            }
        }
    }
}

/// <summary>A connection of an <see cref="OddPeer"/>. It is closed when its behaviour returns.</summary>
/// <param name="Socket">The socket.</param>
/// <param name="Stream">The stream to read and write, encrypted if the peer uses TLS.</param>
/// <param name="Number">The number of the connection, from 0.</param>
/// <param name="Stop">Cancelled at the end of the test.</param>
internal sealed record OddConnection(Socket Socket, Stream Stream, int Number, CancellationToken Stop)
{
    /// <summary>Reads exactly <paramref name="count"/> bytes.</summary>
    /// <exception cref="EndOfStreamException">The client closed first.</exception>
    public async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        await Stream.ReadExactlyAsync(bytes, Stop);
        return bytes;
    }

    public Task WriteAsync(ReadOnlyMemory<byte> bytes) => Stream.WriteAsync(bytes, Stop).AsTask();

    /// <summary>Echoes everything from now on.</summary>
    public Task EchoAsync() => Stream.CopyToAsync(Stream, Stop);

    /// <summary>Echoes the next <paramref name="bytes"/> bytes as they come.</summary>
    public async Task EchoAsync(int bytes)
    {
        var buffer = new byte[64 * 1024];
        for (int read; bytes > 0 && (read = await Stream.ReadAsync(buffer.AsMemory(0, Math.Min(bytes, buffer.Length)), Stop)) > 0; bytes -= read)
        {
            await WriteAsync(buffer.AsMemory(0, read));
        }
    }

    /// <summary>Neither reads nor sends from now on.</summary>
    public Task DoNothingAsync() => Task.Delay(Timeout.Infinite, Stop);

    /// <summary>Reads from now on, and sends nothing.</summary>
    public Task SwallowAsync() => Stream.CopyToAsync(Stream.Null, Stop);

    /// <summary>Sends FIN (with TLS: no alert) and discards further input, so that closing sends no reset.</summary>
    public async Task EndAsync()
    {
        Socket.Shutdown(SocketShutdown.Send);
        var buffer = new byte[64 * 1024];
        while (await Socket.ReceiveAsync(buffer, SocketFlags.None, Stop) > 0)
        {
            // Discarded.
        }
    }

    /// <summary>Ends the connection with RST.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }
}

/// <summary>The behaviours of an <see cref="OddPeer"/>.</summary>
internal static class Odd
{
    /// <summary>Echoes every byte.</summary>
    public static Task Honest(OddConnection connection) => connection.EchoAsync();

    /// <summary>Reads and never answers.</summary>
    public static Task Silent(OddConnection connection) => connection.SwallowAsync();

    /// <summary>Neither reads nor answers.</summary>
    public static Task Deaf(OddConnection connection) => connection.DoNothingAsync();

    /// <summary>Ends with FIN at once.</summary>
    public static Task Ending(OddConnection connection) => connection.EndAsync();

    /// <summary>Ends with RST at once.</summary>
    public static Task Resetting(OddConnection connection)
    {
        connection.Reset();
        return Task.CompletedTask;
    }

    /// <summary>Echoes byte by byte.</summary>
    public static async Task Dribbling(OddConnection connection)
    {
        while (true)
        {
            await connection.WriteAsync(await connection.ReadAsync(1));
        }
    }

    /// <summary>Echoes <paramref name="bytes"/> bytes, then reads without an answer.</summary>
    public static Func<OddConnection, Task> SilentAfter(int bytes) => async connection =>
    {
        await connection.EchoAsync(bytes);
        await connection.SwallowAsync();
    };

    /// <summary>Echoes <paramref name="bytes"/> bytes, then ends with FIN.</summary>
    public static Func<OddConnection, Task> EndingAfter(int bytes) => EndingAfter(bytes, TimeSpan.Zero);

    /// <summary>Echoes this many bytes, stays silent for a time, then ends with FIN.</summary>
    public static Func<OddConnection, Task> EndingAfter(int bytes, TimeSpan silence) => async connection =>
    {
        await connection.EchoAsync(bytes);
        await Task.Delay(silence, connection.Stop);
        await connection.EndAsync();
    };

    /// <summary>
    /// Reads a message of <paramref name="size"/> bytes, echoes <paramref name="bytes"/> of them, then ends with RST.
    /// </summary>
    public static Func<OddConnection, Task> ResettingAfter(int bytes, int size) => async connection =>
    {
        await connection.WriteAsync((await connection.ReadAsync(size)).AsMemory(0, bytes));
        connection.Reset();
    };

    /// <summary>
    /// Echoes messages of <paramref name="size"/> bytes, with the byte at <paramref name="index"/> changed in each.
    /// </summary>
    public static Func<OddConnection, Task> Changing(int index, int size) => async connection =>
    {
        while (true)
        {
            var message = await connection.ReadAsync(size);
            message[index] ^= 0x01;
            await connection.WriteAsync(message);
        }
    };

    /// <summary>Echoes messages of <paramref name="size"/> bytes, with an extra byte after each.</summary>
    public static Func<OddConnection, Task> Appending(int size) => async connection =>
    {
        while (true)
        {
            await connection.WriteAsync((byte[])[.. await connection.ReadAsync(size), (byte)'x']);
        }
    };

    /// <summary>Echoes the first message of <paramref name="size"/> bytes, then answers each with the one before it.</summary>
    public static Func<OddConnection, Task> Stale(int size) => async connection =>
    {
        var before = await connection.ReadAsync(size);
        await connection.WriteAsync(before);
        while (true)
        {
            var message = await connection.ReadAsync(size);
            await connection.WriteAsync(before);
            before = message;
        }
    };

    /// <summary>Swaps messages of <paramref name="size"/> bytes between connections.</summary>
    public static Func<OddConnection, Task> Swapping(int size)
    {
        var messages = new ConcurrentDictionary<int, TaskCompletionSource<byte[]>>();
        TaskCompletionSource<byte[]> Of(int connection) => messages.GetOrAdd(connection, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        return async connection =>
        {
            Of(connection.Number).SetResult(await connection.ReadAsync(size));
            await connection.WriteAsync(await Of(connection.Number ^ 1).Task.WaitAsync(connection.Stop));
            await connection.EchoAsync();
        };
    }

    /// <summary>
    /// Echoes messages of <paramref name="size"/> bytes, with one pause, before the answer number
    /// <paramref name="message"/>.
    /// </summary>
    public static Func<OddConnection, Task> Stalling(int size, int message, TimeSpan time) => async connection =>
    {
        for (var number = 0; ; number++)
        {
            var bytes = await connection.ReadAsync(size);
            if (number == message)
            {
                await Task.Delay(time, connection.Stop);
            }

            await connection.WriteAsync(bytes);
        }
    };
}
