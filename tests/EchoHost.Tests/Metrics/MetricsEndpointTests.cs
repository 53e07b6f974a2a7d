using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using EchoHost.Http;
using EchoHost.Metrics;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Metrics;

public class MetricsEndpointTests
{
    private const string OpenMetrics = "application/openmetrics-text";

    [Fact]
    public async Task Every_series_of_the_contract_is_there_from_the_start()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Second:Url=tcp://127.0.0.1:0");
        var text = await host.MetricsAsync();
        foreach (var endpoint in new[] { "Tcp", "Second" })
        {
            foreach (var name in new[]
            {
                "connections_active",
                "connections_accepted_total",
                "connections_empty_total",
                "io_received_bytes_total",
                "io_sent_bytes_total",
                "messages_total",
            })
            {
                Assert.Contains($"\nechohost_{name}{{endpoint=\"{endpoint}\"}} 0\n", text, StringComparison.Ordinal);
            }

            foreach (var reason in new[] { "limit", "address_limit", "draining" })
            {
                Assert.Contains($"\nechohost_connections_rejected_total{{endpoint=\"{endpoint}\",reason=\"{reason}\"}} 0\n", text, StringComparison.Ordinal);
            }
        }

        Assert.Contains("\nechohost_accept_errors_total{endpoint=\"Tcp\",reason=\"fd_limit\"} 0\n", text, StringComparison.Ordinal);
        Assert.Contains("\nechohost_accept_errors_total{endpoint=\"Tcp\",reason=\"other\"} 0\n", text, StringComparison.Ordinal);
        var version = FileVersionInfo.GetVersionInfo(typeof(EchoMetrics).Assembly.Location).ProductVersion;
        Assert.Contains(
            $"\n# TYPE echohost_build_info gauge\nechohost_build_info{{version=\"{version}\"}} 1\n",
            text,
            StringComparison.Ordinal);
        Assert.Contains("\nkestrel_active_connections", text, StringComparison.Ordinal);
        Assert.Contains("\ndotnet_gc_collections_total", text, StringComparison.Ordinal);
        Assert.All(
            new[] { "process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds" },
            name => Assert.Contains($"\n{name} ", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_happened_is_counted()
    {
        await using var host = await EchoHostFixture.StartAsync("Echo:LogMessages=false");
        using (var client = await host.ConnectAsync())
        {
            await client.EchoAsync("12345");
        }

        using (await host.ConnectAsync())
        {
        }

        string[] lines =
        [
            "echohost_connections_active{endpoint=\"Tcp\"} 0",
            "echohost_connections_accepted_total{endpoint=\"Tcp\"} 2",
            "echohost_connections_empty_total{endpoint=\"Tcp\"} 1",
            "echohost_io_received_bytes_total{endpoint=\"Tcp\"} 5",
            "echohost_io_sent_bytes_total{endpoint=\"Tcp\"} 5",
            "echohost_messages_total{endpoint=\"Tcp\"} 1",
            "echohost_connection_duration_seconds_bucket{endpoint=\"Tcp\",reason=\"peer_closed\",le=\"+Inf\"} 2",
            "# HELP echohost_io_sent_bytes_total Bytes sent to clients.",
            "# TYPE echohost_io_sent_bytes_total counter",
            "# TYPE echohost_connections_active gauge",
            "# TYPE echohost_connection_duration_seconds histogram",
        ];
        // The figures of one scrape are not all from the same moment.
        foreach (var line in lines)
        {
            await Wait.UntilAsync(async () => (await host.MetricsAsync()).Contains($"{line}\n", StringComparison.Ordinal), line);
        }
    }

    [Fact]
    public async Task Promtool_finds_nothing_to_complain_of()
    {
        Tool.Need("promtool");
        await using var host = await EchoHostFixture.StartAsync();
        using (var client = await host.ConnectAsync())
        {
            await client.EchoAsync("x");
        }

        await host.Http.GetAsync("/health");
        await Promtool.CheckAsync(await host.MetricsAsync());
    }

    [Fact]
    public async Task OpenMetrics_is_served_where_it_is_asked_for()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(OpenMetrics));
        var response = await host.Http.SendAsync(request);
        Assert.Equal("application/openmetrics-text; version=1.0.0; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        var text = await response.Content.ReadAsStringAsync();
        Assert.EndsWith("\n# EOF\n", text, StringComparison.Ordinal);
        Assert.Contains(
            "\n# TYPE echohost_io_sent_bytes counter\n# UNIT echohost_io_sent_bytes bytes\nechohost_io_sent_bytes_total{endpoint=\"Tcp\"} 0\n",
            text,
            StringComparison.Ordinal);

        Assert.Contains("\n# TYPE echohost_build info\nechohost_build_info{version=\"", text, StringComparison.Ordinal);

        // The name of a family with a unit ends in that unit, and no family occurs twice.
        var families = text.Split('\n').Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(l => l.Split(' ')[2]).ToList();
        Assert.Equal(families.Distinct().Order(StringComparer.Ordinal), families);
        Assert.All(
            text.Split('\n').Where(l => l.StartsWith("# UNIT ", StringComparison.Ordinal)).Select(l => l.Split(' ')),
            unit => Assert.EndsWith($"_{unit[3]}", unit[2], StringComparison.Ordinal));

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", (await host.Http.GetAsync("/metrics")).Content.Headers.ContentType?.ToString());
    }

    [Theory]
    [InlineData("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true)]
    [InlineData("application/openmetrics-text;q=0.2,text/plain;q=0.5", false)]
    [InlineData("*/*;q=0.9,application/openmetrics-text;q=0.1", false)]
    [InlineData("text/*;q=0.9,application/openmetrics-text;q=0.5", false)]
    [InlineData("text/plain;q=0.1,*/*;q=0.9,application/openmetrics-text;q=0.5", true)]
    [InlineData("application/openmetrics-text,*/*", true)]
    [InlineData("Application/OpenMetrics-Text", true)]
    [InlineData("application/openmetrics-text;version=0.0.1", false)]
    [InlineData("application/openmetrics-text;q=high", false)]
    [InlineData("application/openmetrics-text;q=2", false)]
    [InlineData("application/openmetrics-text, nonsense//x", false)]
    [InlineData("application/openmetrics-text;q=0", false)]
    [InlineData("text/plain", false)]
    [InlineData("*/*", false)]
    [InlineData("", false)]
    [InlineData(";;,nonsense/", false)]
    public void Accept_decides(string accept, bool openMetrics) => Assert.Equal(openMetrics, MetricsEndpoint.PrefersOpenMetrics([accept]));

    [Fact]
    public async Task Counters_never_go_back_while_connections_come_and_go()
    {
        const int workers = 8;
        var each = TestScale.Of(125, 500);
        await using var host = await EchoHostFixture.StartAsync("Echo:LogMessages=false");
        var traffic = Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < each; i++)
            {
                using var client = await host.ConnectAsync();
                await client.EchoAsync("hello");
            }
        })));
        var last = new Dictionary<string, double>();
        var scrapes = 0;
        while (!traffic.IsCompleted || scrapes < 3)
        {
            foreach (var line in (await host.MetricsAsync())
                .Split('\n')
                .Where(l =>
                    l.StartsWith("echohost_", StringComparison.Ordinal)
                        && (l.Contains("_total{", StringComparison.Ordinal)
                            || l.Contains("_count{", StringComparison.Ordinal)
                            || l.Contains("_bucket{", StringComparison.Ordinal))))
            {
                var at = line.LastIndexOf(' ');
                var value = double.Parse(line[(at + 1)..], CultureInfo.InvariantCulture);
                Assert.True(value >= last.GetValueOrDefault(line[..at]), $"{line} after {last.GetValueOrDefault(line[..at])}");
                last[line[..at]] = value;
            }

            scrapes++;
        }

        await traffic;
        await host.UntilMetricsContainAsync($"reason=\"peer_closed\"}} {workers * each}\n", "all are counted");
    }
}
