using EchoHost.Lifetime;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EchoHost.Http;

/// <summary>Whether new connections are welcome: not from the moment the drain starts.</summary>
internal sealed class ReadyHealthCheck(DrainState drain) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(drain.IsDraining ? HealthCheckResult.Unhealthy("draining") : HealthCheckResult.Healthy("accepting"));
}
