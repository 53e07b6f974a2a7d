using EchoHost.Lifetime;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>Admits a connection if there is room and the host is not draining; otherwise rejects it at once, with RST.</summary>
internal sealed class AdmissionMiddleware(ConnectionDelegate next, EndpointMetrics metrics, ConnectionGate gate, DrainState drain, Rejections rejections)
{
    public async Task OnConnectionAsync(ConnectionContext context)
    {
        if (drain.IsRejecting)
        {
            rejections.Reject(context, metrics, RejectReason.Draining, "draining");
        }
        else if (!gate.TryEnter())
        {
            rejections.Reject(context, metrics, RejectReason.Limit, $"the limit of {gate.MaxConnections} connections is reached");
        }
        else
        {
            try
            {
                await next(context);
            }
            finally
            {
                gate.Leave();
            }
        }
    }
}
