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

        var address = PeerAddress.Address(context.RemoteEndPoint);
        if (drain.TurnsAway)
        {
            Reject(context, RejectReason.Draining, "draining");
        }
        else if (address is not null && !gate.TryEnterAddress(address))
        {
            // Asked first, so that a flood from one address holds no place that others could have.
            Reject(context, RejectReason.AddressLimit, $"the limit of {gate.MaxPerAddress} connections from one address is reached");
        }
        else
        {
            try
            {
                await AdmitAsync(context);
            }
            finally
            {
                if (address is not null)
                {
                    gate.LeaveAddress(address);
                }
            }
        }
    }

    private async Task AdmitAsync(ConnectionContext context)
    {
        if (!gate.TryEnter())
        {
            Reject(context, RejectReason.Limit, $"the limit of {gate.MaxConnections} connections is reached");
            return;
        }

        try
        {
            await next(context);
        }
        finally
        {
            gate.Leave();
        }
    }

    private void Reject(ConnectionContext context, RejectReason reason, string why)
    {
        metrics.Rejected(reason);
        log.Rejected(reason.Label(), PeerAddress.Format(context), why);
        context.Abort(new ConnectionAbortedException(why));
    }
}
