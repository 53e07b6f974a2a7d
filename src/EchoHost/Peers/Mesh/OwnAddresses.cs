using System.Net;
using System.Net.NetworkInformation;
using EchoHost.Endpoints;

namespace EchoHost.Peers.Mesh;

/// <summary>Finds this host's own echo endpoints among the addresses of a name that several hosts share.</summary>
internal sealed class OwnAddresses(ListenEndpoints endpoints, BoundEndpoints bound)
{
    /// <summary>The addresses at which this host does not listen on the port.</summary>
    public IEnumerable<IPAddress> LeaveOut(IEnumerable<IPAddress> addresses, int port)
    {
        var listening = endpoints.Raw
            .SelectMany(bound.Of)
            .OfType<IPEndPoint>()
            .Where(own => own.Port == port)
            .Select(own => own.Address)
            .ToArray();
        var machine = Array.Exists(listening, IsAny) ? OfMachine() : [];
        bool IsOwn(IPAddress address) =>
            listening.Contains(address) || machine.Contains(address) || (machine.Count > 0 && IPAddress.IsLoopback(address));
        return addresses.Where(address => !IsOwn(address));
    }

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>The addresses of this machine. Not cached, since they change.</summary>
    private static HashSet<IPAddress> OfMachine() =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(own => WithoutScope(own.Address))];

    private static IPAddress WithoutScope(IPAddress address) => new(address.GetAddressBytes());
}
