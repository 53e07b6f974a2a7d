using EchoHost.Connections.Admission;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EchoHost.Http;

/// <summary>
/// Degraded while an endpoint turns everybody away. Not unhealthy: what is wrong is most often the same on every host,
/// and the connections that are open are well.
/// </summary>
internal sealed class AdmissionHealthCheck(AdmissionWatch admission) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var problems = admission.Problems;
        return Task.FromResult(problems.Count == 0
            ? HealthCheckResult.Healthy("no endpoint turns everybody away")
            : HealthCheckResult.Degraded(string.Join("; ", problems)));
    }
}
