using System.Diagnostics.CodeAnalysis;
using Serilog.Sinks.Async;

namespace EchoHost.Logging;

/// <summary>
/// Counts the log events that were dropped because a sink was too slow, over all asynchronous sinks of the process: Serilog
/// creates sinks without reference to a host.
/// </summary>
internal sealed class DroppedEvents : IAsyncLogEventSinkMonitor
{
    private readonly Lock _lock = new();
    private readonly List<IAsyncLogEventSinkInspector> _sinks = [];
    private long _ofStopped;

    private DroppedEvents()
    {
    }

    /// <summary>The instance that all sinks share.</summary>
    public static DroppedEvents Monitor { get; } = new();

    /// <summary>The number of dropped events since the start of the process.</summary>
    public long Count
    {
        get
        {
            lock (_lock)
            {
                return _ofStopped + _sinks.Sum(sink => sink.DroppedMessagesCount);
            }
        }
    }

    /// <summary>Adds the monitor to each configured <c>Async</c> sink that has none.</summary>
    /// <param name="configuration">The host's settings, to which the monitor is added.</param>
    /// <param name="section">The path of the section that lists the sinks.</param>
    [DynamicDependency(nameof(Monitor), typeof(DroppedEvents))]
    public static void Watch(IConfigurationManager configuration, string section)
    {
        var monitor = $"{typeof(DroppedEvents).FullName}::{nameof(Monitor)}, {typeof(DroppedEvents).Assembly.GetName().Name}";
        var unwatched = configuration.GetSection(section).GetChildren()
            .Where(sink => string.Equals(sink["Name"], "Async", StringComparison.OrdinalIgnoreCase) && sink["Args:monitor"] is null);
        configuration.AddInMemoryCollection(unwatched.Select(sink => KeyValuePair.Create($"{sink.Path}:Args:monitor", (string?)monitor)).ToArray());
    }

    /// <inheritdoc/>
    public void StartMonitoring(IAsyncLogEventSinkInspector inspector)
    {
        lock (_lock)
        {
            _sinks.Add(inspector);
        }
    }

    /// <inheritdoc/>
    public void StopMonitoring(IAsyncLogEventSinkInspector inspector)
    {
        lock (_lock)
        {
            if (_sinks.Remove(inspector))
            {
                _ofStopped += inspector.DroppedMessagesCount;
            }
        }
    }
}
