using System.Net;
using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>Lets an address hold no more than its share of the connections.</summary>
internal sealed class AddressLimitMiddleware(ConnectionDelegate next, EndpointMetrics metrics, ConnectionGate gate, SelfProbes selfProbes, Rejections rejections)
{
    public Task OnConnectionAsync(ConnectionContext context)
    {
        var isLimited = gate.MaxPerAddress is not null && !selfProbes.Contains(context.RemoteEndPoint);
        return isLimited && PeerAddress.Address(context.RemoteEndPoint) is { } address ? AdmitAsync(context, address) : next(context);
    }

    private async Task AdmitAsync(ConnectionContext context, IPAddress address)
    {
        if (!gate.TryEnterAddress(address))
        {
            rejections.TurnAway(context, metrics, RejectReason.AddressLimit, $"the limit of {gate.MaxPerAddress} connections from one address is reached");
            return;
        }

        try
        {
            await next(context);
        }
        finally
        {
            gate.LeaveAddress(address);
        }
    }
}
