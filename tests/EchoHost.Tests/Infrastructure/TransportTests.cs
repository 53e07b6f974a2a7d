using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Infrastructure;

/// <summary>Tests that each transport must pass: they stand in an abstract class, with a sealed one for each transport.</summary>
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

    /// <summary>A host in this process, on the transport.</summary>
    private protected Task<EchoHostFixture> StartHostAsync(params string[] settings) => EchoHostFixture.StartAsync([_setting, .. settings]);

    /// <summary>A host in this process, on the transport, by a clock of the test's.</summary>
    private protected Task<EchoHostFixture> StartHostAsync(FakeTimeProvider time, params string[] settings) => EchoHostFixture.StartAsync(time, [_setting, .. settings]);

    /// <summary>The program as a user starts it, on the transport.</summary>
    private protected Task<EchoHostProcess> StartProcessAsync(params string[] args) => EchoHostProcess.StartHostAsync([$"--{_setting}", .. args]);
}
