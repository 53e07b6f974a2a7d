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
    private TimeSpan _at;
    private long _second = -1;
    private long _count;

    /// <summary>
    /// Adds what happened since the last call. If a second was left out, since the machine was busy or asleep, a gap stands for it.
    /// </summary>
    /// <param name="totals">The counters.</param>
    /// <param name="at">How long the host has run.</param>
    /// <returns>Whether a second was added; false if one was added within the same second already.</returns>
    public bool Add(in ActivityTotals totals, TimeSpan at)
    {
        var second = (long)Math.Round(at.TotalSeconds);
        if (second <= _second)
        {
            return false;
        }

        if (_second >= 0)
        {
            for (var gap = Math.Min(second - _second - 1, Seconds); gap > 0; gap--)
            {
                Add(default(Sample));
            }

            Add(Sample.Between(_totals, totals, at - _at));
        }

        (_totals, _at, _second) = (totals, at, second);
        return true;
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
            if (All().Any(sample => sample.Rejected?[reason] > 0))
            {
                WriteArray(json, Reasons[reason], sample => sample.Rejected![reason]);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Writes the last second, as an object with a number for each figure.</summary>
    /// <param name="json">Receives the object.</param>
    /// <param name="end">When it ended.</param>
    public void WriteLast(Utf8JsonWriter json, DateTimeOffset end)
    {
        var last = _count == 0 ? default : _samples[(_count - 1) % Seconds];
        json.WriteStartObject();
        json.WriteString("time", end.UtcDateTime);
        json.WriteNumber("connections", last.Connections);
        json.WriteNumber("messages", last.Messages);
        json.WriteNumber("received", last.Received);
        json.WriteNumber("sent", last.Sent);
        json.WriteStartObject("rejected");
        for (var i = 0; i < Reasons.Length; i++)
        {
            if (last.Rejected?[i] > 0)
            {
                json.WriteNumber(Reasons[i], last.Rejected[i]);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Add(in Sample sample) => _samples[_count++ % Seconds] = sample;

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
            if (sample.Rejected is null)
            {
                json.WriteNullValue();
            }
            else
            {
                json.WriteNumberValue(figure(sample));
            }
        }

        json.WriteEndArray();
    }

    /// <summary>One second. <see cref="Connections"/> were open at its end, all else happened in it; a gap has no array.</summary>
    private readonly record struct Sample(long Connections, long Messages, long Received, long Sent, long[]? Rejected)
    {
        /// <summary>The difference of two moments; after a gap per second, so that it does not look like a peak.</summary>
        public static Sample Between(in ActivityTotals before, in ActivityTotals after, TimeSpan elapsed)
        {
            var seconds = Math.Max(1, Math.Round(elapsed.TotalSeconds));
            // Rounded up, since a single event must show.
            long Rate(long from, long to) => (long)Math.Ceiling((to - from) / seconds);
            var rejected = new long[after.Rejected.Length];
            for (var i = 0; i < rejected.Length; i++)
            {
                rejected[i] = Rate(before.Rejected[i], after.Rejected[i]);
            }

            return new Sample(
                after.Connections,
                Rate(before.Messages, after.Messages),
                Rate(before.Received, after.Received),
                Rate(before.Sent, after.Sent),
                rejected);
        }
    }
}
