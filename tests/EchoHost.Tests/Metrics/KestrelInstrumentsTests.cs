using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Metrics;

/// <summary>Kestrel's instruments, in which connections that start on an event loop are counted too.</summary>
public class KestrelInstrumentsTests
{
    private const string Meter = "Microsoft.AspNetCore.Server.Kestrel";

    /// <summary>With another unit or description each would be a second instrument of the same name.</summary>
    [Fact]
    public async Task They_are_Kestrels_own()
    {
        await using var host = await EchoHostFixture.StartAsync();
        var factory = host.Services.GetRequiredService<IMeterFactory>();
        var published = new ConcurrentBag<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == Meter && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                published.Add(instrument.Name);
            }
        };
        listener.Start();
        Assert.Contains("kestrel.active_connections", published);
        Assert.Contains("kestrel.queued_connections", published);
        Assert.Contains("kestrel.connection.duration", published);
        Assert.Equal(published.Order().Distinct(), published.Order());
    }

    /// <summary>With <c>Sockets</c> Kestrel counts its connections itself.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_series_are_those_of_Kestrel(bool isUnix)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has epoll");
        var (ours, kestrels) = (await SeriesAsync("Epoll"), await SeriesAsync("Sockets"));
        Assert.NotEmpty(ours);
        Assert.Equal(kestrels, ours);

        async Task<string[]> SeriesAsync(string transport)
        {
            var folder = Directory.CreateTempSubdirectory("echohost-series");
            await using var host = await EchoHostFixture.StartAsync(
                $"Echo:Transport={transport}", $"Echo:Endpoints:Local:Url=unix:{folder.FullName}/echo.sock");
            using var open = await host.ConnectAsync(isUnix ? "Local" : "Tcp");
            await open.EchoAsync("hello");
            var port = isUnix ? "network_transport=\"unix\"" : $"server_port=\"{((IPEndPoint)host.Tcp).Port}\"";
            string[] series = [];
            await Wait.UntilAsync(
                async () =>
                {
                    var lines = (await host.MetricsAsync()).Split('\n').Where(line => line.Contains(port, StringComparison.Ordinal)).ToArray();
                    series = [.. lines.Select(line => line[..line.LastIndexOf(' ')].Replace(port, "", StringComparison.Ordinal))];
                    var active = lines.SingleOrDefault(line => line.StartsWith("kestrel_active_connections", StringComparison.Ordinal));
                    return active?.EndsWith(" 1", StringComparison.Ordinal) == true
                        && lines.Any(line => line.StartsWith("kestrel_connection_duration_seconds_count", StringComparison.Ordinal));
                },
                "the open connection and the host's own first probe are counted");
            folder.Delete(recursive: true);
            return series;
        }
    }

    [Fact]
    public async Task A_connection_that_fails_has_its_error_in_the_duration()
    {
        using var provider = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = provider.GetRequiredService<IMeterFactory>();
        var instruments = new KestrelInstruments(meters);
        var measured = new ConcurrentBag<(string Name, double Value, KeyValuePair<string, object?>[] Labels)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, meters))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => measured.Add((instrument.Name, value, labels.ToArray())));
        listener.SetMeasurementEventCallback<double>((instrument, value, labels, _) => measured.Add((instrument.Name, value, labels.ToArray())));
        listener.Start();
        var context = new DefaultConnectionContext("id")
        {
            LocalEndPoint = new IPEndPoint(IPAddress.IPv6Loopback, 5555),
            RemoteEndPoint = new IPEndPoint(IPAddress.IPv6Loopback, 40000),
        };
        var chain = instruments.Count(_ => throw new InvalidOperationException("on purpose"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => chain(context));

        Assert.Equal([-1, 1], measured.Where(m => m.Name == "kestrel.active_connections").Select(m => m.Value).Order());
        Assert.Equal(0, Assert.Single(measured, m => m.Name == "kestrel.queued_connections").Value);
        var duration = Assert.Single(measured, m => m.Name == "kestrel.connection.duration");
        Assert.Equal(
            ["error.type=System.InvalidOperationException", "network.transport=tcp", "network.type=ipv6", "server.port=5555"],
            duration.Labels.Select(label => $"{label.Key}={label.Value}").Order());
    }
}
