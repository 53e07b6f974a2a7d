using System.Net.Sockets;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;
using EchoHost.Transport;

namespace EchoHost.Tests.Transport;

public sealed class UnixSocketTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("echohost").FullName;

    private string SocketPath => Path.Combine(_folder, "echo.sock");

    public UnixSocketTests() => Assert.SkipUnless(Socket.OSSupportsUnixDomainSockets && !OperatingSystem.IsWindows(), "needs Unix sockets");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_unix_socket_echoes_and_is_shown_and_probed()
    {
        await using var host = await EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}");
        using var client = await host.ConnectAsync("Local");
        await client.EchoAsync("over a file");
        Assert.Contains($"Listening for connections on unix:{SocketPath}", host.Log.Lines);

        var connection = JsonDocument.Parse(await host.Http.GetStringAsync("/connections")).RootElement.GetProperty("connections")[0];
        Assert.Equal("Local", connection.GetProperty("endpoint").GetString());
        Assert.StartsWith("unix:", connection.GetProperty("peer").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, connection.GetProperty("tcp").ValueKind);
        Assert.Contains("2 of 2 endpoints echo", await host.Http.GetStringAsync("/health/ready"), StringComparison.Ordinal);
        Assert.Single(host.Log.Lines, l => l.EndsWith(" connecting", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_a_killed_host_left_is_replaced()
    {
        using (var killed = await EchoHostProcess.StartHostAsync([$"--Echo:Endpoints:Local:Url=unix:{SocketPath}"]))
        {
            killed.Kill();
            await killed.WaitForExitAsync();
        }

        Assert.True(File.Exists(SocketPath));
        await using var host = await EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}");
        using var client = await host.ConnectAsync("Local");
        await client.EchoAsync("again");
    }

    [Fact]
    public async Task A_served_socket_is_not_taken_over()
    {
        await using var host = await EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}");
        var error = await Assert.ThrowsAsync<EndpointUnavailableException>(() => EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}"));
        Assert.Equal($"Echo:Endpoints:Local:Url is 'unix:{SocketPath}': the path is in use", error.Message);
        Assert.True(error.IsInUse);
        using var client = await host.ConnectAsync("Local");
        await client.EchoAsync("unharmed");
    }

    [Fact]
    public async Task A_stopped_host_leaves_no_file()
    {
        await using (await EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}"))
        {
            Assert.True(File.Exists(SocketPath));
        }

        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public async Task A_caller_with_a_longer_name_than_the_hosts_harms_nobody()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs abstract names");
        await using var host = await EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint('\0' + Guid.NewGuid().ToString("N").PadRight(107, 'x')));
        await socket.ConnectAsync(host.EndPoints["Local"]).WaitAsync(Wait.Limit);
        await socket.SendAsync(new byte[] { 42 }).WaitAsync(Wait.Limit);
        var received = new byte[1];
        Assert.Equal(1, await socket.ReceiveAsync(received).WaitAsync(Wait.Limit));
        Assert.Equal(42, received[0]);
    }

    [Fact]
    public async Task A_file_of_another_kind_is_left_alone()
    {
        await File.WriteAllTextAsync(SocketPath, "precious");
        var error = await Assert.ThrowsAsync<EndpointUnavailableException>(() => EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}"));
        Assert.EndsWith("a file that is no socket is in the way", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsInUse);
        Assert.Equal("precious", await File.ReadAllTextAsync(SocketPath));
    }

    [Fact]
    public async Task A_FIFO_is_not_waited_for()
    {
        using (var make = System.Diagnostics.Process.Start("mkfifo", [SocketPath]))
        {
            await make.WaitForExitAsync().WaitAsync(Wait.Limit);
        }

        var error = await Assert.ThrowsAsync<EndpointUnavailableException>(() => EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}").WaitAsync(Wait.Limit));
        Assert.EndsWith("a file that is no socket is in the way", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_said()
    {
        var error = await Assert.ThrowsAsync<EndpointUnavailableException>(() => EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{_folder}/none/echo.sock"));
        Assert.EndsWith("the folder does not exist", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsInUse);
    }
}
