using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Watching;

/// <summary>A dashboard of deploy/grafana, as far as Prometheus and the tests see it.</summary>
internal sealed partial class Dashboard
{
    private Dashboard(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        Root = document.RootElement.Clone();
        Name = Path.GetFileName(file);
        Panels = [.. Root.GetProperty("panels").EnumerateArray().Select(panel => new Panel(panel))];
        Variables = [.. Root.GetProperty("templating").GetProperty("list").EnumerateArray().Select(variable => new Variable(variable))];
    }

    public static IReadOnlyList<Dashboard> All =>
        [.. Directory.EnumerateFiles(Repository.File("deploy/grafana"), "*.json").Order().Select(file => new Dashboard(file))];

    public JsonElement Root { get; }

    public string Name { get; }

    public IReadOnlyList<Panel> Panels { get; }

    public IReadOnlyList<Variable> Variables { get; }

    public Panel this[string title] => Assert.Single(Panels, panel => panel.Title == title && panel.Type != "row");

    /// <summary>The names of the variables that a text uses: <c>$name</c>, <c>${name}</c>, <c>${name:format}</c>.</summary>
    public static IEnumerable<string> VariablesIn(string text) => Use().Matches(text).Select(use => use.Groups[1].Value);

    /// <summary>Puts values in place of variables.</summary>
    public static string Resolve(string text, IReadOnlyDictionary<string, string> values) =>
        Use().Replace(text, use => values.TryGetValue(use.Groups[1].Value, out var value) ? value : use.Value);

    /// <summary>Several values as Grafana writes them for Prometheus: a regular expression, escaped for a string of PromQL.</summary>
    public static string Several(IReadOnlyList<string> values)
    {
        var escaped = values.Select(value => Special().Replace(value.Replace(@"\", @"\\\\", StringComparison.Ordinal), @"\\$0")).ToList();
        return escaped.Count == 1 ? escaped[0] : $"({string.Join('|', escaped)})";
    }

    /// <summary>
    /// The values of all variables. "All" of a query is everything that it finds, unless the variable says otherwise. Those
    /// of Grafana itself are as for the last three hours on a panel of 720 points, with scrapes every second.
    /// </summary>
    public async Task<Dictionary<string, string>> ValuesAsync(PrometheusServer prometheus)
    {
        const int Range = 3 * 60 * 60, Points = 720, Scrape = 1;
        var interval = Math.Max(Range / Points, Scrape);
        var values = new Dictionary<string, string>
        {
            ["__interval"] = Seconds(interval),
            ["__range"] = Seconds(Range),
            ["__rate_interval"] = Seconds(Math.Max(interval + Scrape, 4 * Scrape)),
        };
        foreach (var variable in Variables)
        {
            switch (variable.Type)
            {
                case "query":
                    var query = LabelValues().Match(variable.Query);
                    Assert.True(query.Success, $"{Name}: {variable.Name} is no label_values(series, label): {variable.Query}");
                    var found = await prometheus.LabelValuesAsync(Resolve(query.Groups[1].Value, values), query.Groups[2].Value);
                    Assert.True(found.Count > 0, $"{Name}: {variable.Name} has no values: {variable.Query}");
                    values[variable.Name] = variable.AllValue ?? Several(found);
                    break;
                case "custom":
                    values[variable.Name] = variable.Query.Split(',')[0];
                    break;
                default:
                    Assert.Equal("datasource", variable.Type);
                    break;
            }
        }

        return values;

        static string Seconds(int count) => string.Create(CultureInfo.InvariantCulture, $"{count}s");
    }

    [GeneratedRegex(@"\$\{?(\w+)(?::\w+)?\}?")]
    private static partial Regex Use();

    [GeneratedRegex(@"[$^*{}\[\]'+?.()|]")]
    private static partial Regex Special();

    [GeneratedRegex(@"^label_values\((.+), (\w+)\)$")]
    private static partial Regex LabelValues();

    internal sealed class Panel(JsonElement json)
    {
        public JsonElement Json => json;

        public int Id => json.GetProperty("id").GetInt32();

        public string Type => json.GetProperty("type").GetString()!;

        public string Title => json.GetProperty("title").GetString()!;

        public string Description => json.TryGetProperty("description", out var text) ? text.GetString()! : "";

        public string? Unit =>
            json.TryGetProperty("fieldConfig", out var fields) && fields.GetProperty("defaults").TryGetProperty("unit", out var unit) ? unit.GetString() : null;

        public IReadOnlyList<Target> Targets =>
            json.TryGetProperty("targets", out var targets) ? [.. targets.EnumerateArray().Select(target => new Target(target))] : [];

        public (int Left, int Top, int Right, int Bottom) Place
        {
            get
            {
                var grid = json.GetProperty("gridPos");
                var (x, y) = (grid.GetProperty("x").GetInt32(), grid.GetProperty("y").GetInt32());
                return (x, y, x + grid.GetProperty("w").GetInt32(), y + grid.GetProperty("h").GetInt32());
            }
        }
    }

    internal sealed class Target(JsonElement json)
    {
        public string Id => json.GetProperty("refId").GetString()!;

        public string Expression => json.GetProperty("expr").GetString()!;

        public string Legend => json.GetProperty("legendFormat").GetString()!;

        /// <summary>Asks for one moment rather than for a range of time.</summary>
        public bool IsInstant => json.GetProperty("instant").GetBoolean();
    }

    internal sealed class Variable(JsonElement json)
    {
        public string Name => json.GetProperty("name").GetString()!;

        public string Type => json.GetProperty("type").GetString()!;

        public string Query => Type == "query" ? json.GetProperty("query").GetProperty("query").GetString()! : json.GetProperty("query").GetString()!;

        public string? AllValue => json.TryGetProperty("allValue", out var value) ? value.GetString() : null;
    }
}
