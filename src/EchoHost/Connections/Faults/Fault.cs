using EchoHost.Configuration;
using EchoHost.Metrics;

namespace EchoHost.Connections.Faults;

/// <summary>One fault of an endpoint.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text in the log: <c>reset after 1000 bytes</c>.</param>
internal readonly record struct Fault(FaultKind Kind, string Text)
{
    /// <summary>The faults that options hold.</summary>
    public static IEnumerable<Fault> Of(FaultOptions options)
    {
        (FaultKind Kind, string? Text)[] all =
        [
            (FaultKind.Delay, options.Delay is { } delay ? $"delay {Duration.Format(delay)}" : null),
            (FaultKind.Jitter, options.Jitter is { } jitter ? $"jitter {Duration.Format(jitter)}" : null),
            (FaultKind.BytesPerSecond, options.BytesPerSecond is { } rate ? $"{Bytes(rate)} a second" : null),
            (FaultKind.SliceBytes, options.SliceBytes is { } slice ? $"slices of {Bytes(slice)}" : null),
            (FaultKind.CloseAfterBytes, options.CloseAfterBytes is { } closeBytes ? $"close after {Bytes(closeBytes)}" : null),
            (FaultKind.CloseAfter, options.CloseAfter is { } close ? $"close after {Duration.Format(close)}" : null),
            (FaultKind.ResetAfterBytes, options.ResetAfterBytes is { } resetBytes ? $"reset after {Bytes(resetBytes)}" : null),
            (FaultKind.ResetAfter, options.ResetAfter is { } reset ? $"reset after {Duration.Format(reset)}" : null),
            (FaultKind.Silent, options.Silent ? "silent" : null),
            (FaultKind.Stalled, options.Stalled ? "stalled" : null),
            (FaultKind.CorruptEvery, options.CorruptEvery is { } every ? $"a wrong bit in each {(every == 1 ? "byte" : Bytes(every))}" : null),
        ];
        return from fault in all where fault.Text is not null select new Fault(fault.Kind, fault.Text);
    }

    private static string Bytes(long count) => count == 1 ? "1 byte" : $"{count} bytes";
}
