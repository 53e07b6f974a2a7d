using System.Net;
using System.Net.Sockets;
using EchoHost.Connections.Admission;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Connections.Admission;

/// <summary>The host's own probes are recognised by the end point that they connect from.</summary>
public sealed class SelfProbeTests : IDisposable
{
    private readonly PipeHost _host = new();
    private readonly List<string> _passed = [];

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task They_pass_by_what_is_for_clients()
    {
        var chain = Chain();
        using (Socket probe = Open(), mapped = Open())
        {
            var own = (IPEndPoint)probe.LocalEndPoint!;
            await chain(new PipeConnection(own));
            // An end point as a dual-stack socket reports it.
            var (address, port) = (((IPEndPoint)mapped.LocalEndPoint!).Address, ((IPEndPoint)mapped.LocalEndPoint!).Port);
            await chain(new PipeConnection(new IPEndPoint(address.MapToIPv6(), port)));
            Assert.Equal(["service", "service"], _passed);
            _passed.Clear();
            await chain(new PipeConnection(new IPEndPoint(own.Address, own.Port == 65535 ? 1 : own.Port + 1)));
            Assert.Equal(["limits", "proxy", "service"], _passed);
            _passed.Clear();
        }

        await chain(new PipeConnection());
        Assert.Equal(["limits", "proxy", "service"], _passed);

        Socket Open() => _host.Get<SelfProbes>().Open(new IPEndPoint(IPAddress.Loopback, 1));
    }

    /// <summary>A host logs what a chain throws, and nothing of a probe belongs in the log.</summary>
    [Fact]
    public async Task The_end_of_one_that_was_given_up_is_no_error()
    {
        var chain = Chain(service: _ => throw new ConnectionResetException("given up"));
        EndPoint own;
        using (var probe = _host.Get<SelfProbes>().Open(new IPEndPoint(IPAddress.Loopback, 1)))
        {
            own = probe.LocalEndPoint!;
        }

        await chain(new PipeConnection((IPEndPoint)own));
        await Assert.ThrowsAsync<ConnectionResetException>(() => chain(new PipeConnection()));
    }

    /// <summary>The address in a PROXY header must not make a client pass as the host's own probe.</summary>
    [Fact]
    public async Task A_client_does_not_become_one_by_its_header()
    {
        using var probe = _host.Get<SelfProbes>().Open(new IPEndPoint(IPAddress.Loopback, 1));
        var claimed = probe.LocalEndPoint!;
        var chain = Chain(connection => connection.RemoteEndPoint = claimed);
        await chain(PipeHost.From("192.0.2.1"));
        Assert.Equal(["limits", "proxy", "service"], _passed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_that_was_met_is_forgotten_when_its_socket_closes(bool isUnix)
    {
        var probes = new SelfProbes(TimeProvider.System);
        using var other = probes.Open(Target(isUnix));
        EndPoint own;
        using (var probe = probes.Open(Target(isUnix)))
        {
            own = probe.LocalEndPoint!;
            Assert.True(probes.Meet(own));
        }

        Assert.False(probes.Meet(own));
        Assert.True(probes.Meet(other.LocalEndPoint));
        Assert.False(probes.Meet(Target(isUnix)));
    }

    /// <summary>A host that is too slow to answer its probe meets it when it has been given up.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_that_was_given_up_is_recognised_once_for_a_minute(bool isUnix)
    {
        var time = new FakeTimeProvider();
        var probes = new SelfProbes(time);
        var (late, never) = (GiveUp(), GiveUp());
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(probes.Meet(late));
        Assert.False(probes.Meet(late));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(probes.Meet(never));

        EndPoint GiveUp()
        {
            using var probe = probes.Open(Target(isUnix));
            return probe.LocalEndPoint!;
        }
    }

    private static EndPoint Target(bool isUnix)
    {
        Assert.SkipUnless(!isUnix || OperatingSystem.IsLinux(), "needs abstract names");
        return isUnix ? new UnixDomainSocketEndPoint("/run/echo.sock") : new IPEndPoint(IPAddress.Loopback, 5555);
    }

    private ConnectionDelegate Chain(Action<ConnectionContext>? header = null, Action<ConnectionContext>? service = null) => _host.Build(chain =>
    {
        chain.UseSelfProbes();
        chain.UseForClients(clients => Note(clients, "limits", header));
        chain.UseForClients(clients => Note(clients, "proxy", null));
        Note(chain, "service", service);
    });

    private void Note(IConnectionBuilder chain, string name, Action<ConnectionContext>? act) => chain.Use(next => connection =>
    {
        _passed.Add(name);
        act?.Invoke(connection);
        return next(connection);
    });
}
