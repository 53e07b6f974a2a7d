using System.Text.Json;
using EchoHost.Metrics;

namespace EchoHost.Http.Live;

/// <summary>
/// What the host did in each of the last seconds. The memory is bounded and allocated once. Not safe for several threads.
/// </summary>
internal sealed class ActivityHistory
{
    /// <summary>The number of seconds kept.</summary>
    public const int Seconds = 600;

    private static readonly string[] Reasons = [.. Enum.GetValues<RejectReason>().Select(reason => reason.Label())];

    private readonly Sample[] _samples = new Sample[Seconds];
    private ActivityTotals _totals;
    private long _second = -1;
    private long _count;

    /// <summary>
    /// Adds what happened since the last call. Where that is longer ago than a second, since the machine was busy, it is spread over
    /// the seconds between: sums stay right, and there is no peak.
    /// </summary>
    /// <param name="totals">The counters.</param>
    /// <param name="at">How long the host has run.</param>
    /// <returns>The number of seconds added; 0 if one was added within the same second already.</returns>
    public int Add(in ActivityTotals totals, TimeSpan at)
    {
        var second = (long)Math.Round(at.TotalSeconds);
        if (second <= _second)
        {
            return 0;
        }

        var seconds = _second < 0 ? 0 : (int)Math.Min(second - _second, Seconds);
        for (var i = 0; i < seconds; i++)
        {
            _samples[_count++ % Seconds] = Sample.Between(_totals, totals, i, seconds);
        }

        (_totals, _second) = (totals, second);
        return seconds;
    }

    /// <summary>Writes all seconds, as an object with an array for each figure.</summary>
    /// <param name="json">Receives the object.</param>
    /// <param name="end">When the last second ended.</param>
    public void WriteAll(Utf8JsonWriter json, DateTimeOffset end)
    {
        json.WriteStartObject();
        json.WriteString("end", end.UtcDateTime);
        json.WriteNumber("intervalSeconds", 1);
        WriteArray(json, "connections", sample => sample.Connections);
        WriteArray(json, "messages", sample => sample.Messages);
        WriteArray(json, "received", sample => sample.Received);
        WriteArray(json, "sent", sample => sample.Sent);
        json.WriteStartObject("rejected");
        for (var i = 0; i < Reasons.Length; i++)
        {
            var reason = i;
            if (All().Any(sample => sample.Rejected[reason] > 0))
            {
                WriteArray(json, Reasons[reason], sample => sample.Rejected[reason]);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Writes one of the last seconds, as an object with a number for each figure.</summary>
    /// <param name="json">Receives the object.</param>
    /// <param name="ago">How many seconds came after it; fewer than were added.</param>
    /// <param name="end">When the last second ended.</param>
    public void WriteOne(Utf8JsonWriter json, int ago, DateTimeOffset end)
    {
        var sample = _samples[(_count - 1 - ago) % Seconds];
        json.WriteStartObject();
        json.WriteString("time", end.UtcDateTime.AddSeconds(-ago));
        json.WriteNumber("connections", sample.Connections);
        json.WriteNumber("messages", sample.Messages);
        json.WriteNumber("received", sample.Received);
        json.WriteNumber("sent", sample.Sent);
        json.WriteStartObject("rejected");
        for (var i = 0; i < Reasons.Length; i++)
        {
            if (sample.Rejected[i] > 0)
            {
                json.WriteNumber(Reasons[i], sample.Rejected[i]);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private IEnumerable<Sample> All()
    {
        for (var i = Math.Max(0, _count - Seconds); i < _count; i++)
        {
            yield return _samples[i % Seconds];
        }
    }

    private void WriteArray(Utf8JsonWriter json, string name, Func<Sample, long> figure)
    {
        json.WriteStartArray(name);
        foreach (var sample in All())
        {
            json.WriteNumberValue(figure(sample));
        }

        json.WriteEndArray();
    }

    /// <summary>One second. <see cref="Connections"/> were open at its end, all else happened in it.</summary>
    private readonly record struct Sample(long Connections, long Messages, long Received, long Sent, long[] Rejected)
    {
        /// <summary>The share of one second in the difference of two moments.</summary>
        /// <param name="before">The counters at the first moment.</param>
        /// <param name="after">The counters at the second.</param>
        /// <param name="index">Which of the seconds.</param>
        /// <param name="seconds">How many seconds lie between the moments.</param>
        public static Sample Between(in ActivityTotals before, in ActivityTotals after, int index, int seconds)
        {
            // Equal parts, of which the last ones have what is left over.
            long Share(long from, long to) => ((to - from) * (index + 1) / seconds) - ((to - from) * index / seconds);
            var rejected = new long[after.Rejected.Length];
            for (var i = 0; i < rejected.Length; i++)
            {
                rejected[i] = Share(before.Rejected[i], after.Rejected[i]);
            }

            return new Sample(
                after.Connections,
                Share(before.Messages, after.Messages),
                Share(before.Received, after.Received),
                Share(before.Sent, after.Sent),
                rejected);
        }
    }
}
