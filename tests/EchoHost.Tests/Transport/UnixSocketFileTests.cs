using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;
using EchoHost.Transport;

namespace EchoHost.Tests.Transport;

/// <summary>The file of a Unix socket.</summary>
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

    [Theory]
    [InlineData(null, "660")]
    [InlineData("0600", "600")]
    [InlineData("777", "777")]
    public async Task The_file_has_the_mode_that_is_configured(string? mode, string expected)
    {
        await using var host = await EchoHostFixture.StartAsync(
            [$"Echo:Endpoints:Local:Url=unix:{SocketPath}", .. mode is null ? Array.Empty<string>() : [$"Echo:Endpoints:Local:Mode={mode}"]]);
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        Assert.Equal(expected, Convert.ToString((int)File.GetUnixFileMode(SocketPath), 8));
        using var client = await host.ConnectAsync("Local");
        await client.EchoAsync("hello");
    }

    [Theory]
    [InlineData("Echo:Endpoints:Local:Mode", "0888", "expected a file mode in octal digits, as in 0660")]
    [InlineData("Echo:Endpoints:Local:Mode", "rw", "expected a file mode in octal digits, as in 0660")]
    [InlineData("Echo:Endpoints:Local:Mode", "4755", "expected a file mode in octal digits, as in 0660")]
    [InlineData("Echo:Endpoints:Tcp:Mode", "0600", "which is not unix:")]
    public async Task A_mode_that_is_none_or_of_no_use_is_an_error(string key, string mode, string why)
    {
        var error = await Assert.ThrowsAsync<EchoHost.Configuration.ConfigurationException>(() =>
            EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}", $"{key}={mode}"));
        Assert.StartsWith($"{key} is '{mode}'", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_stops_leaves_its_successors_file_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells one file from another here");
        var former = await EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}");
        // As an operator does to start a new host before the old one has ended.
        File.Delete(SocketPath);
        await using var successor = await EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}");
        await former.DisposeAsync();
        Assert.True(File.Exists(SocketPath));
        using var client = await successor.ConnectAsync("Local");
        await client.EchoAsync("served by the successor");
    }

    [Fact]
    public async Task A_FIFO_is_not_waited_for()
    {
        using (var make = System.Diagnostics.Process.Start("mkfifo", [SocketPath]))
        {
            await make.WaitForExitAsync().WaitAsync(Wait.Limit);
        }

        var error = await Assert.ThrowsAsync<EndpointUnavailableException>(() =>
            EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{SocketPath}").WaitAsync(Wait.Limit));
        Assert.EndsWith("a file that is no socket is in the way", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_said()
    {
        var error = await Assert.ThrowsAsync<EndpointUnavailableException>(() =>
            EchoHostFixture.StartAsync($"Echo:Endpoints:Local:Url=unix:{_folder}/none/echo.sock"));
        Assert.EndsWith("the folder does not exist", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsInUse);
    }
}
