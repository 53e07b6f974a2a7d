using EchoHost.Endpoints;
using EchoHost.Lifetime;
using EchoHost.Peers;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EchoHost.Http;

/// <summary>
/// Uses every raw endpoint as a client does, in order to detect a dead listener: an <c>Echo</c> endpoint must return a message,
/// a <c>Who</c> endpoint must send its line. A result is valid for a second, for any number of requests. The first probe runs
/// when the host has started, so that the first request does not wait for code that runs for the first time.
/// </summary>
internal sealed partial class EchoHealthCheck(
    ListenEndpoints endpoints,
    BoundEndpoints bound,
    [FromKeyedServices(EchoHealthCheck.OwnClient)] PeerClient client,
    DrainState drain,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<EchoHealthCheck> logger) : LifecycleService, IHealthCheck
{
    /// <summary>The service key of the client with which the host connects to itself.</summary>
    public const string OwnClient = "own";

    private const int MessageBytes = 16;

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Task<HealthCheckResult>? _probe;
    private HealthStatus? _last;
    private long _endedAt;

    /// <summary>Returns the result of the current probe. Cancellation ends the wait; the probe continues for other requests.</summary>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Probe().WaitAsync(cancellationToken);

    /// <summary>Begins the first probe without waiting for it.</summary>
    public override Task StartedAsync(CancellationToken cancellationToken)
    {
        _ = Probe();
        return Task.CompletedTask;
    }

    /// <summary>Returns the probe under way, or the last one while it is fresh; else begins a new one. Probes end when the host has stopped.</summary>
    private Task<HealthCheckResult> Probe()
    {
        lock (_lock)
        {
            if (_probe is null || (_probe.IsCompleted && time.GetElapsedTime(_endedAt) >= Fresh))
            {
                _probe = Task.Run(() => RunAsync(lifetime.ApplicationStopped), lifetime.ApplicationStopped);
            }

            return _probe;
        }
    }

    private async Task<HealthCheckResult> RunAsync(CancellationToken stop)
    {
        try
        {
            var probes = endpoints.Raw.Select(async endpoint => (endpoint.Name, Problem: await ProbeAsync(endpoint, stop)));
            var failed = (await Task.WhenAll(probes)).Where(p => p.Problem is not null).Select(p => $"{p.Name}: {p.Problem}").ToArray();
            var result = failed.Length == 0
                ? HealthCheckResult.Healthy($"{endpoints.Raw.Count} of {endpoints.Raw.Count} endpoints answer")
                : HealthCheckResult.Unhealthy($"{failed.Length} of {endpoints.Raw.Count} endpoints do not answer: {string.Join("; ", failed)}");
            LogChange(result);
            _last = result.Status;
            return result;
        }
        finally
        {
            _endedAt = time.GetTimestamp();
        }
    }

    /// <summary>Probes every address of an endpoint. Returns the first failure in words; null if every address answered.</summary>
    private async Task<string?> ProbeAsync(ListenEndpoint endpoint, CancellationToken stop)
    {
        using var limit = new TimeLimit(Limit, time, stop);
        foreach (var address in bound.Of(endpoint))
        {
            var target = PeerTarget.At(BoundEndpoints.Reachable(address), endpoint.Tls is not null, "localhost");
            if ((await ProbeAsync(endpoint.Service, target, limit)).Error is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    /// <summary>Uses a service as its clients do.</summary>
    private Task<Probe> ProbeAsync(EndpointService service, PeerTarget target, TimeLimit limit) => service switch
    {
        EndpointService.Echo => client.ProbeAsync(target, MessageBytes, limit),
        EndpointService.Who => client.ProbeWhoAsync(target, limit),
        _ => throw new InvalidOperationException($"there is no service {service}"),
    };

    private void LogChange(HealthCheckResult result)
    {
        // A draining host is unready anyway, and its listeners are about to close.
        if (drain.IsDraining)
        {
            return;
        }

        if (result.Status == HealthStatus.Unhealthy && _last != HealthStatus.Unhealthy)
        {
            LogDead(logger, result.Description!);
        }
        else if (result.Status == HealthStatus.Healthy && _last == HealthStatus.Unhealthy)
        {
            LogAlive(logger, result.Description!);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Unready: {What:l}")]
    private static partial void LogDead(ILogger logger, string what);

    [LoggerMessage(2, LogLevel.Information, "Ready again: {What:l}")]
    private static partial void LogAlive(ILogger logger, string what);
}
