using EchoHost.Connections.Admission;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EchoHost.Http;

/// <summary>
/// Degraded while an endpoint rejects every client. Not unhealthy, because the cause is usually the same on every host, and open
/// connections still work.
/// </summary>
internal sealed class AdmissionHealthCheck(AdmissionWatch admission) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var problems = admission.Problems;
        return Task.FromResult(problems.Count == 0
            ? HealthCheckResult.Healthy("no endpoint rejects all clients")
            : HealthCheckResult.Degraded(string.Join("; ", problems)));
    }
}
