using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EchoHost.Peers;
using EchoHost.Peers.Load;

namespace EchoHost.Commands;

/// <summary>The result of a load test, as text and as JSON.</summary>
internal sealed class LoadReport(LoadTest test)
{
    private const int BarWidth = 40;

    private static readonly (string Name, double Percent)[] Percentiles = [("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99)];

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
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Several lines: rates, percentiles, a histogram, errors.</summary>
    public string ToText()
    {
        var (options, tally, latency) = (test.Options, test.Tally, test.Tally.Latency);
        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));

        Line($"{options.Target.Name}: {Counted(options.Connections, "connection")}{(tally.Connections == options.Connections ? "" : $" ({tally.Connections:N0} made)")}, {Counted(options.Size, "byte")} a message{(options.Pipeline > 1 ? $", {options.Pipeline} under way on each" : "")}{(options.Reconnects ? ", a connection a message" : "")}{(options.Rate is { } rate ? $", {rate:N0} messages/s asked for" : "")}");
        AppendAddresses(text, options.Target, tally);
        Line($"{Counted(test.Messages, "message")} in {_seconds:0.00} s: {test.Messages / _seconds:N0} messages/s, {test.Messages * (double)options.Size / _seconds / (1 << 20):N1} MiB/s each way");
        if (latency.Count > 0)
        {
            text.AppendLine();
            text.AppendJoin("  ", Percentiles.Select(p => $"{p.Name} {Microseconds(latency.Percentile(p.Percent))}").Prepend($"mean {Microseconds(latency.Mean)}").Prepend($"min {Microseconds(latency.Min)}").Append($"max {Microseconds(latency.Max)}")).AppendLine();
            text.AppendLine();
            AppendHistogram(text, latency);
        }

        text.AppendLine();
        text.Append(tally.Errors == 0 ? "no errors" : $"{Counted(tally.Errors, "error")} ({string.Join(", ", tally.ErrorsByClass.Select(e => $"{e.Key.Label()} {e.Value}"))}), the first: {tally.FirstError}");
        return text.ToString();
    }

    /// <summary>Appends the addresses of a name that were used, and those that did not accept.</summary>
    private static void AppendAddresses(StringBuilder text, PeerTarget target, LoadTally tally)
    {
        var used = tally.Addresses.ToArray();
        if (target.KnownEndPoint is not null || used.Length == 0)
        {
            return;
        }

        text.Append("at ").AppendJoin(", ", used.Select(address => used.Length == 1 ? $"{address.Key}" : $"{address.Key} ({Counted(address.Value, "connection")})"));
        foreach (var (address, failure) in tally.Passed)
        {
            text.Append(CultureInfo.InvariantCulture, $"; {address} did not accept: {failure}");
        }

        text.AppendLine();
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

    private static string Counted(long count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {what}{(count == 1 ? "" : "s")}");

    private static double Round(double value) => Math.Round(value, 1);
}
