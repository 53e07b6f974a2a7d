using System.Globalization;
using System.Text.Json;
using EchoHost.Deploy.Tests.Infrastructure;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Watching;

/// <summary>Debian's Prometheus, with a folder of its own for what it stores.</summary>
internal sealed class PrometheusServer : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("echohost-prometheus").FullName;
    private readonly HeldPort _port = new();
    private readonly HttpClient _http;
    private ToolProcess? _process;

    private PrometheusServer() => _http = new HttpClient { BaseAddress = new Uri($"http://{_port.Name}"), Timeout = Wait.Limit };

    /// <summary>Starts it with a configuration file, and waits until it answers.</summary>
    public static async Task<PrometheusServer> StartAsync(string configuration)
    {
        var server = new PrometheusServer();
        try
        {
            string[] arguments = [$"--config.file={configuration}", $"--storage.tsdb.path={server._data}", $"--web.listen-address={server._port.Name}"];
            server._process = await ToolProcess.StartAsync("prometheus", arguments, [], server._port.Port);
            await Wait.UntilAsync(server.IsReadyAsync, "Prometheus is ready");
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _process?.Dispose();
        _http.Dispose();
        _port.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    /// <summary>Evaluates an expression for now, or for the last minute.</summary>
    /// <returns>The series, each with its labels and values; not those of which no value is a number.</returns>
    public async Task<IReadOnlyList<Series>> QueryAsync(string expression, bool instant = true)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000d;
        var data = instant
            ? await PostAsync("query", ("query", expression))
            : await PostAsync("query_range", ("query", expression), ("start", Text(now - 60)), ("end", Text(now)), ("step", "5"));
        return [.. data.GetProperty("result").EnumerateArray().Select(Series.Of).Where(series => series.Values.Count > 0)];

        static string Text(double time) => time.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The one value of an expression for now.</summary>
    public async Task<double> ValueAsync(string expression) => Assert.Single(await QueryAsync(expression)).Values[^1];

    /// <summary>Waits until an expression has one value, and this one.</summary>
    public Task UntilAsync(string expression, double value) =>
        Wait.UntilAsync(async () => await QueryAsync(expression) is [var one] && one.Values[^1] == value, $"{expression} is {value}");

    /// <summary>The values of a label of some series.</summary>
    public async Task<IReadOnlyList<string>> LabelValuesAsync(string series, string label)
    {
        var data = await GetAsync($"label/{label}/values?match[]={Uri.EscapeDataString(series)}");
        return [.. data.EnumerateArray().Select(value => value.GetString()!)];
    }

    /// <summary>The alerts that fire: name, and labels.</summary>
    public async Task<IReadOnlyList<IReadOnlyDictionary<string, string>>> FiringAsync()
    {
        var data = await GetAsync("alerts");
        return
        [
            .. from alert in data.GetProperty("alerts").EnumerateArray()
               where alert.GetProperty("state").GetString() == "firing"
               select Series.LabelsOf(alert.GetProperty("labels")),
        ];
    }

    /// <summary>What every rule is about: its name, its expression, and its last error.</summary>
    public async Task<IReadOnlyList<(string Name, string Expression, string Health, string? Error)>> RulesAsync()
    {
        var data = await GetAsync("rules");
        return
        [
            .. from rules in data.GetProperty("groups").EnumerateArray()
               from rule in rules.GetProperty("rules").EnumerateArray()
               select (rule.GetProperty("name").GetString()!, rule.GetProperty("query").GetString()!, rule.GetProperty("health").GetString()!,
                   rule.TryGetProperty("lastError", out var error) ? error.GetString() : null),
        ];
    }

    private async Task<bool> IsReadyAsync()
    {
        using var answer = await _http.GetAsync(new Uri("/-/ready", UriKind.Relative));
        return answer.IsSuccessStatusCode;
    }

    private async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await _http.GetAsync(new Uri($"/api/v1/{path}", UriKind.Relative));
        return await DataAsync(answer, path);
    }

    private async Task<JsonElement> PostAsync(string path, params (string Name, string Value)[] form)
    {
        using var content = new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var answer = await _http.PostAsync(new Uri($"/api/v1/{path}", UriKind.Relative), content);
        return await DataAsync(answer, form[0].Value);
    }

    private static async Task<JsonElement> DataAsync(HttpResponseMessage answer, string question)
    {
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStreamAsync());
        Assert.True(answer.IsSuccessStatusCode, $"{question}\n{document.RootElement}");
        return document.RootElement.GetProperty("data").Clone();
    }

    /// <summary>A series of an answer, without values that are no number.</summary>
    internal sealed record Series(IReadOnlyDictionary<string, string> Labels, IReadOnlyList<double> Values)
    {
        public static Series Of(JsonElement series)
        {
            IEnumerable<JsonElement> values = series.TryGetProperty("values", out var all) ? all.EnumerateArray() : [series.GetProperty("value")];
            return new(LabelsOf(series.GetProperty("metric")), [.. values.Select(value => Number(value[1].GetString()!)).Where(double.IsFinite)]);
        }

        public static Dictionary<string, string> LabelsOf(JsonElement labels) =>
            labels.EnumerateObject().ToDictionary(label => label.Name, label => label.Value.GetString()!);

        private static double Number(string text) => double.Parse(text.Replace("Inf", "Infinity", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
