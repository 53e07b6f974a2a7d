using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Watching;

/// <summary>
/// A fleet from the files of deploy/ that loses a host: every expression of the dashboards has an answer before and after,
/// the alerts fire, and the dashboards show it.
/// </summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public sealed class WatchedFleetTests
{
    public WatchedFleetTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "needs ports that are held while programs listen on them");

    [Fact]
    public async Task A_host_that_breaks_raises_the_alerts_and_is_on_the_dashboards()
    {
        await using var fleet = await WatchedFleet.StartAsync();
        var prometheus = fleet.Prometheus;

        // Well: each panel has something to show, the events among it.
        await Wait.UntilAsync(async () => await prometheus.QueryAsync("up == 1") is { Count: 4 }, "three hosts and HAProxy answer the scrape");
        await Wait.UntilAsync(fleet.EchoesAsync, "HAProxy passes clients on");
        await fleet.DelayAsync(fleet.Hosts[0]);
        await fleet.DelayAsync(fleet.Hosts[1]);
        await UntilSomeAsync(fleet, "sum(increase(echohost_faults_total[1m])) > 0");
        await UntilSomeAsync(fleet, """sum(increase(echohost_proxy_headers_total{version="2",result="ok"}[1m])) > 0""");
        await UntilAllHaveAnswersAsync(prometheus);
        await UntilAsync(prometheus, "host.json", "Faults on purpose", values => values[0] > 0);
        await Wait.UntilAsync(fleet.EchoesAsync, "HAProxy passes clients on again: the panel shows the last seconds");
        await UntilAsync(prometheus, "host.json", "PROXY headers, by result", values => values.Any(value => value > 0));
        await UntilAsync(prometheus, "fleet.json", "Hosts that answer", values => values is [3]);
        await UntilAsync(prometheus, "fleet.json", "Hosts that do not", values => values is [0]);
        await UntilAsync(prometheus, "fleet.json", "Matrix of paths", values => values.Count == 12 && values.All(value => value == 1));
        await UntilAsync(prometheus, "fleet.json", "Paths broken", values => values is [0]);
        Assert.Equal([], await FaultsOfExpressionsAsync(fleet));

        // Alerts that wait for only 2 seconds may fire while the hosts start; what is lost then stays in the loss of 15 minutes.
        await UntilOverAsync(prometheus, "EchoHostDown", "EchoPeerDown", "EchoPeerUnreachable", "EchoHostCutOff");

        // One of the two behind HAProxy breaks.
        var broken = fleet.Hosts[1];
        broken.Program!.Kill();
        await UntilFiringAsync(prometheus, "EchoHostDown", "instance", broken.Http.Name);
        await UntilFiringAsync(prometheus, "EchoPeerDown", "peer", $"localhost:{broken.Peers.Port}");
        await Wait.UntilAsync(fleet.EchoesAsync, "HAProxy passes clients on to the other host");
        await UntilAsync(prometheus, "fleet.json", "Hosts that answer", values => values is [2]);
        await UntilAsync(prometheus, "fleet.json", "Hosts that do not", values => values is [1]);
        await UntilAsync(prometheus, "fleet.json", "Matrix of paths", values => values.Count == 8 && values.Count(value => value == 0) == 2);
        await UntilAsync(prometheus, "fleet.json", "Paths broken", values => values is [2]);
        await UntilAsync(prometheus, "fleet.json", "Loss", values => values is [> 0]);
        await UntilSeriesAsync(prometheus, "fleet.json", "Most loss", paths => IsAhead(paths, $"localhost:{broken.Peers.Port}"));
        await UntilAsync(prometheus, "fleet.json", "Alerts", values => values[0] > 1);
        await UntilAsync(prometheus, "host.json", "State", values => values.Count(value => value == 0) == 1);
        await UntilAllHaveAnswersAsync(prometheus);

        // It is told once: no path to the broken host has an alert of its own.
        await UntilOverAsync(prometheus, "EchoPeerUnreachable", "EchoHostCutOff");
    }

    /// <summary>Sends messages until an expression has a result.</summary>
    private static Task UntilSomeAsync(WatchedFleet fleet, string expression) => Wait.UntilAsync(
        async () => await fleet.EchoesAsync() && await fleet.Prometheus.QueryAsync(expression) is { Count: > 0 },
        expression);

    private static Task UntilFiringAsync(PrometheusServer prometheus, string alert, string label, string value) => Wait.UntilAsync(
        async () => (await prometheus.FiringAsync()).Any(labels => labels["alertname"] == alert && labels[label] == value),
        $"{alert} fires for {value}");

    private static Task UntilOverAsync(PrometheusServer prometheus, params string[] alerts) => Wait.UntilAsync(
        async () => !(await prometheus.FiringAsync()).Any(labels => alerts.Contains(labels["alertname"])),
        $"none of these fires: {string.Join(", ", alerts)}");

    /// <summary>Whether the two paths with the most loss lead to this peer. Others may have lost probes while the hosts started.</summary>
    private static bool IsAhead(IReadOnlyList<PrometheusServer.Series> paths, string peer) =>
        paths.OrderByDescending(path => path.Values[^1]).Take(2).All(path => path.Labels["peer"] == peer && path.Values[^1] > 0);

    /// <summary>Waits until the first expression of a panel has such values.</summary>
    private static Task UntilAsync(PrometheusServer prometheus, string dashboard, string panel, Predicate<IReadOnlyList<double>> isSo) =>
        UntilSeriesAsync(prometheus, dashboard, panel, series => isSo([.. series.Select(one => one.Values[^1])]));

    private static async Task UntilSeriesAsync(
        PrometheusServer prometheus, string dashboard, string panel, Predicate<IReadOnlyList<PrometheusServer.Series>> isSo)
    {
        var board = Dashboard.All.Single(board => board.Name == dashboard);
        var target = board[panel].Targets[0];
        await Wait.UntilAsync(
            async () =>
            {
                var expression = Dashboard.Resolve(target.Expression, await board.ValuesAsync(prometheus));
                return await prometheus.QueryAsync(expression, target.IsInstant) is { Count: > 0 } series && isSo(series);
            },
            $"{panel} on {dashboard} shows it");
    }

    /// <summary>
    /// Waits until each expression of each panel gives at least one series with a number. That takes a few scrapes, since
    /// a rate needs two. An expression that is wrong fails at once.
    /// </summary>
    private static async Task UntilAllHaveAnswersAsync(PrometheusServer prometheus)
    {
        foreach (var dashboard in Dashboard.All)
        {
            var values = await dashboard.ValuesAsync(prometheus);
            foreach (var (panel, target) in dashboard.Panels.SelectMany(panel => panel.Targets.Select(target => (panel, target))))
            {
                var expression = Dashboard.Resolve(target.Expression, values);
                await Wait.UntilAsync(
                    async () => await prometheus.QueryAsync(expression, target.IsInstant) is { Count: > 0 },
                    $"{dashboard.Name}, {panel.Title}, {target.Id} has an answer: {expression}");
            }
        }
    }

    /// <summary>What is wrong with the expressions of dashboards and rules, by what a host's own /metrics says of its series.</summary>
    private static async Task<IReadOnlyList<string>> FaultsOfExpressionsAsync(WatchedFleet fleet)
    {
        var types = new SeriesTypes(await fleet.MetricsAsync(fleet.Hosts[0]));
        var rules = await fleet.Prometheus.RulesAsync();
        Assert.All(rules, rule => Assert.True(rule.Health == "ok", $"{rule.Name}: {rule.Error}"));
        var expressions =
            from dashboard in Dashboard.All
            from panel in dashboard.Panels
            from target in panel.Targets
            select ($"{dashboard.Name}, {panel.Title}", target.Expression);
        return
        [
            .. from expression in expressions.Concat(rules.Select(rule => (rule.Name, rule.Expression)))
               from fault in types.FaultsOf(expression.Item2)
               select $"{expression.Item1}: {fault}",
        ];
    }
}
