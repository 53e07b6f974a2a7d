using System.Net.Sockets;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Transport;

public abstract class UnixSocketTests : TransportTests, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("echohost").FullName;

    private string SocketPath => Path.Combine(_folder, "echo.sock");

    protected UnixSocketTests(string transport)
        : base(transport) => Assert.SkipUnless(Socket.OSSupportsUnixDomainSockets && !OperatingSystem.IsWindows(), "needs Unix sockets");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_unix_socket_echoes_and_is_shown_and_probed()
    {
        await using var host = await StartHostAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}");
        using var client = await host.ConnectAsync("Local");
        await client.EchoAsync("over a file");
        Assert.Contains($"Listening for connections on unix:{SocketPath}", host.Log.Lines);

        var connection = JsonDocument.Parse(await host.Http.GetStringAsync("/connections")).RootElement.GetProperty("connections")[0];
        Assert.Equal("Local", connection.GetProperty("endpoint").GetString());
        Assert.StartsWith("unix:", connection.GetProperty("peer").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, connection.GetProperty("tcp").ValueKind);
        var ready = await host.UntilOkAsync("/health/ready");
        Assert.Contains("2 of 2 endpoints answer", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Single(host.Log.Lines, l => l.EndsWith(" connecting", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stopped_host_leaves_no_file()
    {
        await using (await StartHostAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}"))
        {
            Assert.True(File.Exists(SocketPath));
        }

        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public async Task A_client_with_a_longer_name_than_the_hosts_harms_no_other()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs abstract names");
        await using var host = await StartHostAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint('\0' + Guid.NewGuid().ToString("N").PadRight(107, 'x')));
        await socket.ConnectAsync(host.EndPoints["Local"]).WaitAsync(Wait.Limit);
        await socket.SendAsync(new byte[] { 42 }).WaitAsync(Wait.Limit);
        var received = new byte[1];
        Assert.Equal(1, await socket.ReceiveAsync(received).WaitAsync(Wait.Limit));
        Assert.Equal(42, received[0]);
    }
}

public sealed class UnixSocketTestsOnEpoll() : UnixSocketTests(TransportTests.Epoll);

public sealed class UnixSocketTestsOnSockets() : UnixSocketTests(TransportTests.Sockets);
