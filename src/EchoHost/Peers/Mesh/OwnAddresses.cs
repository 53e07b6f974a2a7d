using System.Net;
using System.Net.NetworkInformation;
using EchoHost.Endpoints;

namespace EchoHost.Peers.Mesh;

/// <summary>Finds this host's own echo endpoints among the addresses of a name that several hosts share.</summary>
internal sealed class OwnAddresses(ListenEndpoints endpoints, BoundEndpoints bound)
{
    /// <summary>Tells the addresses at which this host listens on a port from others.</summary>
    /// <param name="port">The port.</param>
    /// <param name="seenFromOutside">
    /// Whether the addresses are another machine's names: loopback is then this host only if it listens there and nowhere else.
    /// </param>
    public Predicate<IPAddress> At(int port, bool seenFromOutside = false)
    {
        var listening = endpoints.Raw
            .SelectMany(bound.Of)
            .OfType<IPEndPoint>()
            .Where(own => own.Port == port)
            .Select(own => own.Address)
            .ToArray();
        var machine = Array.Exists(listening, IsAny) ? OfMachine() : [];
        return address => listening.Contains(address)
            || (IPAddress.IsLoopback(address) ? machine.Count > 0 && !seenFromOutside : machine.Contains(address));
    }

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>The addresses of this machine. Not cached, since they change.</summary>
    private static HashSet<IPAddress> OfMachine() =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(own => WithoutScope(own.Address))];

    private static IPAddress WithoutScope(IPAddress address) => new(address.GetAddressBytes());
}
