using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;
using EchoHost.Transport;

namespace EchoHost.Tests.Transport;

/// <summary>The file that a Unix socket is bound to.</summary>
public sealed class UnixSocketFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("echohost").FullName;

    private string SocketPath => Path.Combine(_folder, "echo.sock");

    public UnixSocketFileTests() => Assert.SkipUnless(Socket.OSSupportsUnixDomainSockets && !OperatingSystem.IsWindows(), "needs Unix sockets");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [Trait(TestProgram.Trait, TestProgram.Category)]
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
