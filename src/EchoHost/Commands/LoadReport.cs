using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EchoHost.Peers;
using EchoHost.Peers.Load;
using EchoHost.Peers.Who;

namespace EchoHost.Commands;

/// <summary>The result of a load test, as text and as JSON.</summary>
/// <param name="test">The test.</param>
/// <param name="survey">The survey that ran meanwhile; null without one.</param>
internal sealed class LoadReport(LoadTest test, WhoSurvey? survey = null)
{
    private const int BarWidth = 40;

    private static readonly (string Name, double Percent)[] Percentiles =
        [("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99)];

    private readonly double _seconds = Math.Max(test.Elapsed.TotalSeconds, 1e-9);

    /// <summary>One JSON object on one line.</summary>
    public string ToJson()
    {
        var latency = test.Tally.Latency;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            void WriteTime(string name, double time)
            {
                if (latency.Count > 0)
                {
                    json.WriteNumber(name, Round(time));
                }
                else
                {
                    json.WriteNull(name);
                }
            }

            json.WriteStartObject();
            json.WriteNumber("messages", test.Messages);
            json.WriteNumber("messagesPerSecond", Round(test.Messages / _seconds));
            json.WriteNumber("bytesPerSecond", Round(test.Messages * (double)test.Options.Size / _seconds));
            json.WriteNumber("connections", test.Tally.Connections);
            json.WriteStartObject("errors");
            foreach (var (result, count) in test.Tally.ErrorsByClass)
            {
                json.WriteNumber(result.Label(), count);
            }

            json.WriteEndObject();
            json.WriteNumber("mismatches", test.Tally.ErrorsOf(ProbeResult.Mismatch));
            json.WriteNumber("seconds", Math.Round(_seconds, 3));
            json.WriteStartObject("latencyMicroseconds");
            WriteTime("min", latency.Min);
            WriteTime("mean", latency.Mean);
            foreach (var (name, percent) in Percentiles)
            {
                WriteTime(name, latency.Percentile(percent));
            }

            WriteTime("max", latency.Max);
            json.WriteEndObject();
            if (test.Options.Reconnects)
            {
                WriteAddresses(json);
            }

            if (survey is not null)
            {
                json.WritePropertyName("who");
                new WhoReport(survey).WriteTo(json);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Writes how many connections each address of the target accepted.</summary>
    private void WriteAddresses(Utf8JsonWriter json)
    {
        json.WriteStartObject("addresses");
        foreach (var (address, connections) in test.Tally.Addresses)
        {
            json.WriteNumber(address.ToString()!, connections);
        }

        json.WriteEndObject();
    }

    /// <summary>Several lines: rates, percentiles, a histogram, errors.</summary>
    public string ToText()
    {
        var options = test.Options;
        var tally = test.Tally;
        var text = new StringBuilder();
        AppendOptions(text, options, tally);
        if (ConnectionText.Of(options.Target, tally) is { } addresses)
        {
            text.AppendLine(addresses);
        }

        var rate = test.Messages / _seconds;
        var mebibytes = test.Messages * (double)options.Size / _seconds / (1 << 20);
        text.Append(ConnectionText.Counted(test.Messages, "message"))
            .AppendLine(CultureInfo.InvariantCulture, $" in {_seconds:0.00} s: {rate:N0} messages/s, {mebibytes:N1} MiB/s each way");
        if (tally.Latency.Count > 0)
        {
            text.AppendLine();
            AppendPercentiles(text, tally.Latency);
            text.AppendLine();
            AppendHistogram(text, tally.Latency);
        }

        text.AppendLine();
        text.Append(ConnectionText.ErrorsOf(tally));
        if (survey is not null)
        {
            text.AppendLine().AppendLine().Append(new WhoReport(survey).ToText());
        }

        return text.ToString();
    }

    /// <summary>Appends the options of the test. Apart from the connections and the size, options at their default are left out.</summary>
    private static void AppendOptions(StringBuilder text, LoadOptions options, LoadTally tally)
    {
        text.Append(options.Target.Name).Append(": ").Append(ConnectionText.Counted(options.Connections, "connection"));
        if (tally.Connections != options.Connections)
        {
            text.Append(CultureInfo.InvariantCulture, $" ({tally.Connections:N0} made)");
        }

        text.Append(", ").Append(ConnectionText.Counted(options.Size, "byte")).Append(" a message");
        if (options.Pipeline > 1)
        {
            text.Append(CultureInfo.InvariantCulture, $", {options.Pipeline} under way on each");
        }

        if (options.Reconnects)
        {
            text.Append(", a connection a message");
        }

        if (options.Rate is { } rate)
        {
            text.Append(CultureInfo.InvariantCulture, $", {rate:N0} messages/s asked for");
        }

        text.AppendLine();
    }

    private static void AppendPercentiles(StringBuilder text, LatencyHistogram latency)
    {
        string[] values =
        [
            $"min {Microseconds(latency.Min)}",
            $"mean {Microseconds(latency.Mean)}",
            .. Percentiles.Select(p => $"{p.Name} {Microseconds(latency.Percentile(p.Percent))}"),
            $"max {Microseconds(latency.Max)}",
        ];
        text.AppendJoin("  ", values).AppendLine();
    }

    /// <summary>Appends a bar for each step of 1, 2, 5, 10, … microseconds between the minimum and the maximum.</summary>
    private static void AppendHistogram(StringBuilder text, LatencyHistogram latency)
    {
        var bounds = Steps(latency.Min, latency.Max).ToList();
        var counts = bounds.Select((bound, i) => latency.CountBetween(i == 0 ? -1 : bounds[i - 1], bound)).ToArray();
        var most = Math.Max(1, counts.Max());
        foreach (var (bound, count) in bounds.Zip(counts))
        {
            var share = 100.0 * count / latency.Count;
            var bar = new string('█', (int)Math.Round((double)BarWidth * count / most));
            text.AppendLine(string.Create(CultureInfo.InvariantCulture, $"  ≤ {Microseconds(bound),9}  {share,6:0.00} %  {bar}").TrimEnd());
        }
    }

    /// <summary>
    /// The steps from the first that is at least <paramref name="least"/> to the first that is at least
    /// <paramref name="most"/>.
    /// </summary>
    private static IEnumerable<double> Steps(double least, double most)
    {
        int[] parts = [1, 2, 5];
        var step = 0;
        for (double bound = 1, decade = 1; ; bound = parts[step % 3] * decade)
        {
            if (bound >= least)
            {
                yield return bound;
            }

            if (bound >= most)
            {
                yield break;
            }

            decade = ++step % 3 == 0 ? decade * 10 : decade;
        }
    }

    private static string Microseconds(double time) => time switch
    {
        < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{time:0.#} µs"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{time / 1_000:0.##} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time / 1_000_000:0.##} s"),
    };

    private static double Round(double value) => Math.Round(value, 1);
}
