using System.Net;
using System.Net.NetworkInformation;
using EchoHost.Endpoints;

namespace EchoHost.Peers.Mesh;

/// <summary>Knows this host's own echo endpoints among the addresses of a name that it shares with other hosts.</summary>
internal sealed class OwnAddresses(ListenEndpoints endpoints, BoundEndpoints bound)
{
    /// <summary>Those that are not this host's own.</summary>
    public IEnumerable<IPAddress> LeaveOut(IEnumerable<IPAddress> addresses, int port)
    {
        var listening = endpoints.Raw.SelectMany(bound.Of).OfType<IPEndPoint>().Where(own => own.Port == port).Select(own => own.Address).ToArray();
        var machine = Array.Exists(listening, IsAny) ? OfMachine() : [];
        return addresses.Where(address => !listening.Contains(address) && !machine.Contains(address) && !(machine.Count > 0 && IPAddress.IsLoopback(address)));
    }

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>Asked for each time, since addresses come and go.</summary>
    private static HashSet<IPAddress> OfMachine() =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(own => WithoutScope(own.Address))];

    private static IPAddress WithoutScope(IPAddress address) => new(address.GetAddressBytes());
}
