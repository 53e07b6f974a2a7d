using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using EchoHost.Peers;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A server of the test's own, on a free port, which does with each connection what the test wants: see <see cref="Odd"/>.</summary>
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

    /// <summary>It, by its address.</summary>
    public PeerTarget Target => new(EndPoint.Address.ToString(), EndPoint.Port, IsTls: _tls is not null);

    /// <summary>It, by a name that the test's resolver knows.</summary>
    public PeerTarget Named(string name) => Target with { Host = name };

    /// <summary>How many connections it has accepted so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    public static OddPeer Start(Func<OddConnection, Task> behave, IPAddress? address = null) => new(address ?? IPAddress.Loopback, null, behave);

    /// <summary>One that speaks TLS; what it does begins after the handshake.</summary>
    public static OddPeer StartTls(SslServerAuthenticationOptions tls, Func<OddConnection, Task> behave) => new(IPAddress.Loopback, tls, behave);

    /// <summary>One that speaks TLS and shows this certificate.</summary>
    public static OddPeer StartTls(TestCertificate certificate, Func<OddConnection, Task> behave) =>
        StartTls(new SslServerAuthenticationOptions { ServerCertificate = certificate.Certificate }, behave);

    /// <summary>Waits until nobody has a socket open that is connected, or connecting, to it.</summary>
    public async Task ExpectNobodyAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc/net/tcp");
        // What is closed and still has something to send is the kernel's alone, and has no inode.
        const string closed = "0";
        var port = $":{EndPoint.Port.ToString("X4", CultureInfo.InvariantCulture)}";
        await Wait.UntilAsync(
            () => !File.ReadLines("/proc/self/net/tcp").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Any(f => f[2].EndsWith(port, StringComparison.Ordinal) && f[9] != closed),
            "nobody is connected to the peer");
    }

    /// <summary>Ends every connection, with RST where it is still open.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting.WaitAsync(Wait.Limit);
        _listener.Dispose();
        // What a behaviour did not expect fails the test.
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
            // The end.
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
                    // The alert is on its way; closing now might overtake it with a reset.
                    await new OddConnection(socket, plain, number, _stop.Token).EndAsync();
                    return;
                }

                await _behave(new OddConnection(socket, encrypted, number, _stop.Token));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The other side is gone, or the test is over.
            }
        }
    }
}

/// <summary>One connection of an <see cref="OddPeer"/>. When what is done with it returns, it is closed.</summary>
/// <param name="Socket">The socket.</param>
/// <param name="Stream">What is read and written, encrypted where the peer speaks TLS.</param>
/// <param name="Number">Which connection it is, from 0.</param>
/// <param name="Stop">Canceled at the test's end.</param>
internal sealed record OddConnection(Socket Socket, Stream Stream, int Number, CancellationToken Stop)
{
    /// <summary>Exactly so many bytes.</summary>
    /// <exception cref="EndOfStreamException">The other side ended before.</exception>
    public async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        await Stream.ReadExactlyAsync(bytes, Stop);
        return bytes;
    }

    public Task WriteAsync(ReadOnlyMemory<byte> bytes) => Stream.WriteAsync(bytes, Stop).AsTask();

    /// <summary>Sends back what comes, from now on.</summary>
    public Task EchoAsync() => Stream.CopyToAsync(Stream, Stop);

    /// <summary>Sends back the next so many bytes, as they come.</summary>
    public async Task EchoAsync(int bytes)
    {
        var buffer = new byte[64 * 1024];
        for (int read; bytes > 0 && (read = await Stream.ReadAsync(buffer.AsMemory(0, Math.Min(bytes, buffer.Length)), Stop)) > 0; bytes -= read)
        {
            await WriteAsync(buffer.AsMemory(0, read));
        }
    }

    /// <summary>Neither reads nor sends, from now on.</summary>
    public Task DoNothingAsync() => Task.Delay(Timeout.Infinite, Stop);

    /// <summary>Reads what comes and sends nothing, from now on.</summary>
    public Task SwallowAsync() => Stream.CopyToAsync(Stream.Null, Stop);

    /// <summary>Ends its side with FIN (TLS: without an alert) and takes what still comes, so that closing is no reset.</summary>
    public async Task EndAsync()
    {
        Socket.Shutdown(SocketShutdown.Send);
        var buffer = new byte[64 * 1024];
        while (await Socket.ReceiveAsync(buffer, SocketFlags.None, Stop) > 0)
        {
            // Thrown away.
        }
    }

    /// <summary>Ends it with RST.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }
}

/// <summary>What an <see cref="OddPeer"/> may do with a connection.</summary>
internal static class Odd
{
    /// <summary>Sends every byte back: nothing is odd about it.</summary>
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

    /// <summary>Sends back byte by byte.</summary>
    public static async Task Dribbling(OddConnection connection)
    {
        while (true)
        {
            await connection.WriteAsync(await connection.ReadAsync(1));
        }
    }

    /// <summary>Sends back so many bytes, then reads and is silent.</summary>
    public static Func<OddConnection, Task> SilentAfter(int bytes) => async connection =>
    {
        await connection.EchoAsync(bytes);
        await connection.SwallowAsync();
    };

    /// <summary>Sends back so many bytes, then ends with FIN.</summary>
    public static Func<OddConnection, Task> EndingAfter(int bytes) => async connection =>
    {
        await connection.EchoAsync(bytes);
        await connection.EndAsync();
    };

    /// <summary>Reads a message of <paramref name="size"/> bytes, sends back so many of them, then ends with RST.</summary>
    public static Func<OddConnection, Task> ResettingAfter(int bytes, int size) => async connection =>
    {
        await connection.WriteAsync((await connection.ReadAsync(size)).AsMemory(0, bytes));
        connection.Reset();
    };

    /// <summary>Sends back messages of <paramref name="size"/> bytes, of each the byte at <paramref name="index"/> changed.</summary>
    public static Func<OddConnection, Task> Changing(int index, int size) => async connection =>
    {
        while (true)
        {
            var message = await connection.ReadAsync(size);
            message[index] ^= 0x01;
            await connection.WriteAsync(message);
        }
    };

    /// <summary>Sends back messages of <paramref name="size"/> bytes, a byte more each.</summary>
    public static Func<OddConnection, Task> Appending(int size) => async connection =>
    {
        while (true)
        {
            await connection.WriteAsync((byte[])[.. await connection.ReadAsync(size), (byte)'x']);
        }
    };

    /// <summary>Sends back the first message of <paramref name="size"/> bytes, and then always the one before.</summary>
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

    /// <summary>Sends back to one connection what another has sent, messages of <paramref name="size"/> bytes.</summary>
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

    /// <summary>Sends back messages of <paramref name="size"/> bytes, and once, before the answer number <paramref name="message"/>, nothing for a time.</summary>
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
