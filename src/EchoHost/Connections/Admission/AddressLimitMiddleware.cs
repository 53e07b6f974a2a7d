using System.Net;
using System.Net.Sockets;
using EchoHost.Metrics;
using EchoHost.Text;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>Lets an address hold no more than its share of the connections.</summary>
/// <param name="next">What comes after.</param>
/// <param name="metrics">The endpoint's.</param>
/// <param name="isUnix">Whether the endpoint is a Unix socket: its clients have no address, and no limit. Elsewhere those without one share one.</param>
/// <param name="gate">Counts.</param>
/// <param name="rejections">Counts and logs.</param>
internal sealed class AddressLimitMiddleware(ConnectionDelegate next, EndpointMetrics metrics, bool isUnix, ConnectionGate gate, Rejections rejections)
{
    public Task OnConnectionAsync(ConnectionContext context)
    {
        var address = ClientAddress.Of(context.RemoteEndPoint);
        return gate.MaxPerAddress is null || (address is null && isUnix) ? next(context) : AdmitAsync(context, ClientNetwork.Of(address));
    }

    private async Task AdmitAsync(ConnectionContext context, IPAddress network)
    {
        if (!gate.TryEnterAddress(network))
        {
            var whose = network.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6 network of 64 bits" : "address";
            rejections.Reject(context, metrics, RejectReason.AddressLimit, $"the limit of {gate.MaxPerAddress} connections from one {whose} is reached");
            return;
        }

        try
        {
            await next(context);
        }
        finally
        {
            gate.LeaveAddress(network);
        }
    }
}
