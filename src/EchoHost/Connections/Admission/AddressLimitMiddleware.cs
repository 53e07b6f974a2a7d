using System.Net;
using System.Net.Sockets;
using EchoHost.Metrics;
using EchoHost.Text;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>Limits the number of connections per client address.</summary>
/// <param name="next">The next middleware.</param>
/// <param name="metrics">The endpoint's metrics.</param>
/// <param name="isUnix">
/// Whether the endpoint is a Unix socket, whose clients have no address and no limit. On other endpoints, clients without
/// an address share one limit.
/// </param>
/// <param name="gate">Counts the connections.</param>
/// <param name="rejections">Counts and logs rejected clients.</param>
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
