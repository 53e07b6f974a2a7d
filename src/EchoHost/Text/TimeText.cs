using System.Globalization;

namespace EchoHost.Text;

/// <summary>Formats times for people.</summary>
internal static class TimeText
{
    /// <summary>A time without rounding, in the units that people use: <c>500 ms</c>, <c>2.5 s</c>, <c>1 min 30 s</c>, <c>2 h</c>.</summary>
    public static string Exact(TimeSpan time)
    {
        if (time < TimeSpan.FromMinutes(1))
        {
            return time >= TimeSpan.FromSeconds(1) || time == TimeSpan.Zero ? Number(time.TotalSeconds, "s") : Number(time.TotalMilliseconds, "ms");
        }

        var (hours, minutes) = (Math.Floor(time.TotalHours), time.Minutes);
        var seconds = (time - TimeSpan.FromMinutes(Math.Floor(time.TotalMinutes))).TotalSeconds;
        string[] parts = [Part(hours, "h"), Part(minutes, "min"), Part(seconds, "s")];
        return string.Join(' ', parts.Where(part => part.Length > 0));
    }

    /// <summary>A measured time, to a hundredth of a second: <c>50.02 s</c>.</summary>
    public static string Measured(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");

    /// <summary>A measured time where its order of magnitude matters: <c>250 ms</c>, <c>3.0 s</c>, <c>5 min 50 s</c>.</summary>
    public static string About(TimeSpan time) => time switch
    {
        { TotalMilliseconds: < 999.5 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms"),
        { TotalSeconds: < 59.95 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"),
        _ => Exact(TimeSpan.FromSeconds(Math.Round(time.TotalSeconds))),
    };

    private static string Part(double number, string unit) => number > 0 ? Number(number, unit) : "";

    private static string Number(double number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{number:0.######} {unit}");
}
