using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Infrastructure;

/// <summary>Tests that each transport must pass: they are in an abstract class, with a sealed class for each transport.</summary>
public abstract class TransportTests
{
    public const string Epoll = "Epoll";
    public const string Sockets = "Sockets";

    private readonly string _setting;

    protected TransportTests(string transport)
    {
        Assert.SkipUnless(transport != Epoll || OperatingSystem.IsLinux(), "only Linux has epoll");
        _setting = $"Echo:Transport={transport}";
    }

    /// <summary>Starts a host in this process, on the transport.</summary>
    private protected Task<EchoHostFixture> StartHostAsync(params string[] settings) => EchoHostFixture.StartAsync([_setting, .. settings]);

    /// <summary>Starts a host in this process, on the transport, with a test clock.</summary>
    private protected Task<EchoHostFixture> StartHostAsync(FakeTimeProvider time, params string[] settings) =>
        EchoHostFixture.StartAsync(time, [_setting, .. settings]);

    /// <summary>Starts the program as a user does, on the transport.</summary>
    private protected Task<EchoHostProcess> StartProcessAsync(params string[] args) => EchoHostProcess.StartHostAsync([$"--{_setting}", .. args]);
}
