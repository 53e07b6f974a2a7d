using System.Diagnostics;
using System.Diagnostics.Metrics;
using EchoHost.Descriptors;

namespace EchoHost.Metrics;

/// <summary>
/// The process's own figures, under the names that Prometheus' client libraries use (<c>process_cpu_seconds_total</c>,
/// <c>process_open_fds</c> and so on).
/// </summary>
internal sealed class ProcessMetrics
{
    public const string MeterName = "EchoHost.Process";

    public ProcessMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        using var process = Process.GetCurrentProcess();
        var started = new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0;
        meter.CreateObservableCounter("process.cpu", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "Processor time used, user and system.");
        meter.CreateObservableGauge("process.resident_memory", () => Environment.WorkingSet, "By", "Physical memory in use.");
        meter.CreateObservableGauge("process.start_time", () => started, "s", "When the process started, since the Unix epoch.");
        if (OpenDescriptors.IsKnown)
        {
            meter.CreateObservableGauge("process.open_fds", OpenDescriptors.Count, "{descriptor}", "File descriptors open.");
            if (DescriptorLimit.Read() is { } limit)
            {
                meter.CreateObservableGauge("process.max_fds", () => limit, "{descriptor}", "File descriptors that may be open.");
            }
        }
    }
}
