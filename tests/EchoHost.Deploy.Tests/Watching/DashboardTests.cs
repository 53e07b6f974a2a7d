namespace EchoHost.Deploy.Tests.Watching;

/// <summary>
/// What Grafana needs of a dashboard, and what people need. Grafana itself is not asked; what its panels ask Prometheus is
/// in <see cref="WatchedFleetTests"/>.
/// </summary>
public sealed class DashboardTests
{
    /// <summary>Those of Grafana's units that make sense here. Grafana shows an unknown one as text behind the figure.</summary>
    private static readonly string[] Units = ["none", "short", "s", "percentunit", "bytes", "Bps", "cps", "ops", "eps", "mps"];

    private static readonly string[] Types = ["row", "stat", "table", "timeseries", "heatmap", "status-history"];

    public static TheoryData<string> Names => [.. Dashboard.All.Select(dashboard => dashboard.Name)];

    [Fact]
    public void There_are_a_host_and_a_fleet_and_each_leads_to_the_other()
    {
        var boards = Dashboard.All.ToDictionary(dashboard => dashboard.Name, dashboard => dashboard.Root);
        Assert.Equal(["fleet.json", "host.json"], boards.Keys.Order());
        Assert.Equal($"/d/{boards["host.json"].GetProperty("uid")}", boards["fleet.json"].GetProperty("links")[0].GetProperty("url").GetString());
        Assert.Equal($"/d/{boards["fleet.json"].GetProperty("uid")}", boards["host.json"].GetProperty("links")[0].GetProperty("url").GetString());
    }

    /// <summary>39 is Grafana 11.0's; later ones, 41 in Grafana 12, read it too.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Its_schema_is_Grafana_11s(string name)
    {
        var root = Of(name).Root;
        Assert.Equal(39, root.GetProperty("schemaVersion").GetInt32());
        Assert.False(root.TryGetProperty("id", out _), "an id belongs to one Grafana");
        Assert.All(Of(name).Panels, panel => Assert.Contains(panel.Type, Types));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Panels_have_ids_and_titles_of_their_own_and_do_not_overlap(string name)
    {
        var panels = Of(name).Panels;
        var titles = panels.Where(panel => panel.Type != "row").Select(panel => panel.Title).ToList();
        Assert.Equal(titles.Distinct(), titles);
        Assert.Equal(panels.Count, panels.Select(panel => panel.Id).Distinct().Count());
        Assert.All(panels, panel => Assert.True(panel.Place.Left >= 0 && panel.Place.Right <= 24, $"{panel.Title} stands outside of the 24 columns"));
        foreach (var (index, panel) in panels.Index())
        {
            var (left, top, right, bottom) = panel.Place;
            Assert.DoesNotContain(
                panels.Skip(index + 1),
                other => other.Place.Left < right && other.Place.Right > left && other.Place.Top < bottom && other.Place.Bottom > top);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_panel_says_what_it_shows_and_in_which_unit(string name) => Assert.All(
        Of(name).Panels.Where(panel => panel.Type != "row"),
        panel =>
        {
            Assert.NotEmpty(panel.Title);
            Assert.True(panel.Description.Length > 30 && panel.Description.EndsWith('.'), $"{panel.Title} has no description");
            Assert.Contains(panel.Unit, Units);
            Assert.NotEmpty(panel.Targets);
            Assert.Equal(panel.Targets.Count, panel.Targets.Select(target => target.Id).Distinct().Count());
            Assert.All(panel.Targets, target => Assert.NotEmpty(target.Legend));
        });

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_variable_that_is_used_is_defined_and_every_one_defined_is_used(string name)
    {
        var dashboard = Of(name);
        string[] ofGrafana = ["__interval", "__range", "__rate_interval"];
        var used = Dashboard.VariablesIn(dashboard.Root.GetProperty("panels").ToString())
            .Concat(dashboard.Variables.SelectMany(variable => Dashboard.VariablesIn(variable.Query)))
            .Except(ofGrafana);
        Assert.Equal(dashboard.Variables.Select(variable => variable.Name).Order(), used.Distinct().Order());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Its_data_source_is_a_variable(string name)
    {
        var dashboard = Of(name);
        Assert.Equal("datasource", dashboard.Variables[0].Name);
        Assert.All(
            dashboard.Panels.Where(panel => panel.Type != "row"),
            panel => Assert.Equal("${datasource}", panel.Json.GetProperty("datasource").GetProperty("uid").GetString()));
    }

    [Theory]
    [InlineData("echo-1:8080")]
    [InlineData("10.0.0.1:8080", "10.0.0.2:8080")]
    public void Values_are_escaped_as_Grafana_does(params string[] values) =>
        Assert.Equal(values.Length == 1 ? "echo-1:8080" : @"(10\\.0\\.0\\.1:8080|10\\.0\\.0\\.2:8080)", Dashboard.Several(values));

    private static Dashboard Of(string name) => Dashboard.All.Single(dashboard => dashboard.Name == name);
}
