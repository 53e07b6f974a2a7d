using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.RegularExpressions;
using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EchoHost.Tests.Connections.Tracking;

/// <summary>What a client still receives when the host closes its connection.</summary>
public abstract class GracefulCloseTests(string transport) : TransportTests(transport), IDisposable
{
    private readonly TestCertificate _certificate = new();

    public void Dispose() => _certificate.Dispose();

    /// <summary>With more bytes than the transport reads ahead, and than one read returns.</summary>
    [Theory]
    [InlineData("Tcp")]
    [InlineData("Local")]
    public async Task What_has_been_received_is_echoed_before_the_end(string endpoint)
    {
        await using var host = await StartHostAsync($"Echo:Endpoints:Local:Url=unix:{_certificate.Folder}/echo.sock");
        using var held = new HeldHandler(host);
        using var client = await host.ConnectAsync(endpoint);
        await client.SendAsync("first ");
        await held.IsHeld;
        var rest = new SeededBytes(3).Take(150_000);
        var sending = client.SendAsync(rest);
        await Wait.UntilAsync(() => Single(host).Socket!.UnreadBytes > 0, "the kernel holds bytes that nobody has read");
        Single(host).RequestClose(CloseReason.Admin);
        held.Release();
        var received = await client.ReceiveToEndAsync();
        Bytes.AssertSame(After("first ", rest), received);
        await sending;
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task What_has_been_received_is_echoed_before_the_end_of_TLS(SslProtocols protocol)
    {
        await using var host = await StartHostAsync(_certificate.Settings);
        using var held = new HeldHandler(host);
        await using var client = await TlsClient.ConnectAsync(host, protocol);
        await client.WriteAsync("first "u8.ToArray());
        await held.IsHeld;
        var rest = new SeededBytes(3).Take(60_000);
        await client.WriteAsync(rest).AsTask().WaitAsync(Wait.Limit);
        Single(host).RequestClose(CloseReason.Admin);
        held.Release();
        var received = await ToEndAsync(client);
        Bytes.AssertSame(After("first ", rest), received);
    }

    /// <summary>Without a linger, the closed socket would answer late bytes with RST, which destroys data on its way.</summary>
    [Fact]
    public async Task Bytes_that_come_too_late_do_not_cost_a_slow_reader_its_echo()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        using var client = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        var sent = new SeededBytes(3).Take(200_000);
        await client.SendAsync(sent);
        await Wait.UntilAsync(
            () => host.Services.GetRequiredService<ConnectionRegistry>().All().SingleOrDefault()?.SentBytes == sent.Length,
            "the kernel has all of the echo");
        Single(host).RequestClose(CloseReason.Admin);
        // From then on nothing is echoed.
        await Wait.UntilAsync(() => HasSentFin(client), "the host has closed its side");
        for (var i = 0; i < 20; i++)
        {
            await client.SendAsync("late");
            await Task.Delay(10, CancellationToken.None);
        }

        var received = await client.ReceiveToEndAsync();
        Bytes.AssertSame(sent, received);
    }

    /// <summary>Closing a socket while its client sends would reset it, and could destroy data on its way.</summary>
    [Fact]
    public async Task A_client_that_never_stops_sending_is_closed_with_FIN_after_what_it_got_back()
    {
        await using var host = await StartHostAsync("Echo:LogMessages=false");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("before");
        var chunk = new SeededBytes(3).Take(4096);
        var isOver = false;
        long sent = 0;
        var sending = Task.Run(async () =>
        {
            try
            {
                while (!Volatile.Read(ref isOver))
                {
                    await client.SendAsync(chunk);
                    Interlocked.Add(ref sent, chunk.Length);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The host or the test has closed the connection.
            }
        });
        await Wait.UntilAsync(() => Interlocked.Read(ref sent) > 100_000, "it sends");
        Single(host).RequestClose(CloseReason.Admin);
        // A reset would throw here.
        var received = await client.ReceiveToEndAsync();
        Volatile.Write(ref isOver, true);
        client.Dispose();
        await sending.WaitAsync(Wait.Limit);
        for (var i = 0; i < received.Length; i++)
        {
            if (received[i] != chunk[i % chunk.Length])
            {
                Assert.Fail($"byte {i} of {received.Length} is another");
            }
        }
    }

    [Fact]
    public async Task Why_the_host_ended_it_is_in_the_text()
    {
        await using var host = await StartHostAsync();
        using var client = await host.ConnectAsync();
        await client.EchoAsync("four");
        Single(host).RequestClose(CloseReason.IdleTimeout);
        Assert.Empty(await client.ReceiveToEndAsync());
        var peer = client.LocalAddress;
        client.Dispose();
        await host.UntilLoggedAsync(e => e.Text.StartsWith($"Peer {peer} disconnected", StringComparison.Ordinal), "the end is logged");
        var end = host.Log.Entries.Single(e => e.Text.StartsWith($"Peer {peer} disconnected", StringComparison.Ordinal));
        Assert.Matches($@"^Peer {Regex.Escape(peer)} disconnected: idle timeout after \d+\.\d s, 4 bytes$", end.Text);
        Assert.Equal(("idle_timeout", 4L, 4L), (end.Properties["Reason"], end.Properties["ReceivedBytes"], end.Properties["SentBytes"]));
        Assert.IsType<double>(end.Properties["DurationSeconds"]);
    }

    private static TrackedConnection Single(EchoHostFixture host) => host.Services.GetRequiredService<ConnectionRegistry>().All().Single();

    /// <summary>Whether the kernel has the FIN of the host's side, sent or not.</summary>
    private static bool HasSentFin(EchoClient client)
    {
        var port = ((IPEndPoint)client.Socket.LocalEndPoint!).Port;
        return TcpSockets.All().Any(socket => socket.IsTo(port) && socket.State is TcpSockets.FinWait1 or TcpSockets.FinWait2);
    }

    private static byte[] After(string first, byte[] rest) => [.. Encoding.ASCII.GetBytes(first), .. rest];

    private static async Task<byte[]> ToEndAsync(SslStream client)
    {
        var received = new MemoryStream();
        await client.CopyToAsync(received).WaitAsync(Wait.Limit);
        return received.ToArray();
    }

    /// <summary>Blocks a connection's handler in the log call for its first message, so that it reads no more.</summary>
    private sealed class HeldHandler : ILoggerProvider, ILogger
    {
        private readonly TaskCompletionSource _isHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _release = new();

        public HeldHandler(EchoHostFixture host) => host.Services.GetRequiredService<ILoggerFactory>().AddProvider(this);

        public Task IsHeld => _isHeld.Task.WaitAsync(Wait.Limit);

        public void Release() => _release.Set();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).StartsWith("Received new message", StringComparison.Ordinal) && _isHeld.TrySetResult())
            {
                _release.Wait(Wait.Limit);
            }
        }

        public void Dispose() => Release();
    }
}

public sealed class GracefulCloseTestsOnEpoll() : GracefulCloseTests(TransportTests.Epoll);

public sealed class GracefulCloseTestsOnSockets() : GracefulCloseTests(TransportTests.Sockets);
