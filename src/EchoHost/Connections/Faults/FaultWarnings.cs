namespace EchoHost.Connections.Faults;

/// <summary>Warns at start, and once an hour, while an endpoint has faults: they must not be forgotten.</summary>
internal sealed partial class FaultWarnings(FaultSettings settings, TimeProvider time, ILogger<FaultWarnings> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                foreach (var (endpoint, options) in settings.Active)
                {
                    LogActive(endpoint, options.ToString());
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Endpoint {Endpoint:l} misbehaves on purpose: {Faults:l}")]
    private partial void LogActive(string endpoint, string faults);
}
