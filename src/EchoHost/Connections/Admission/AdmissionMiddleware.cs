using EchoHost.Connections.Tracking;
using EchoHost.Drain;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>Lets a connection in while there is room and the host is not draining; anybody else is turned away at once, with RST.</summary>
internal sealed class AdmissionMiddleware(ConnectionDelegate next, EndpointMetrics metrics, ConnectionGate gate, DrainState drain, SelfProbes selfProbes, RejectionLog log)
{
    public async Task OnConnectionAsync(ConnectionContext context)
    {
        if (selfProbes.Contains(context.RemoteEndPoint))
        {
            await next(context);
            return;
        }

        if (drain.TurnsAway)
        {
            Reject(context, RejectReason.Draining, "draining");
        }
        else if (!gate.TryEnter())
        {
            Reject(context, RejectReason.Limit, $"the limit of {gate.MaxConnections} connections is reached");
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

    private void Reject(ConnectionContext context, RejectReason reason, string why)
    {
        metrics.Rejected(reason);
        log.Rejected(reason.Label(), PeerAddress.Format(context), why);
        context.Abort(new ConnectionAbortedException(why));
    }
}
