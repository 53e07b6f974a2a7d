using System.Net;

namespace EchoHost.Configuration;

/// <summary>Networks, as configured by CIDR (RFC 4632).</summary>
internal sealed class NetworkSet
{
    public static readonly NetworkSet Empty = new([]);

    private readonly IPNetwork[] _networks;

    private NetworkSet(IPNetwork[] networks) => _networks = networks;

    public bool IsEmpty => _networks.Length == 0;

    /// <summary>Parses <c>10.0.0.0/8</c>, <c>2001:db8::/32</c>; an address alone is a network of its own.</summary>
    /// <param name="key">The configuration key that holds the list.</param>
    /// <param name="networks">Its values.</param>
    /// <exception cref="ConfigurationException">One is no network.</exception>
    public static NetworkSet Parse(string key, IReadOnlyList<string> networks) =>
        new([.. networks.Select((text, index) => ParseOne($"{key}:{index}", text))]);

    public bool Contains(IPAddress address)
    {
        foreach (var network in _networks)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private static IPNetwork ParseOne(string key, string text)
    {
        if (IPAddress.TryParse(text, out var address))
        {
            return new IPNetwork(address, address.GetAddressBytes().Length * 8);
        }

        return IPNetwork.TryParse(text, out var network)
            ? network
            : throw new ConfigurationException($"{key} is '{text}'; expected a network as in 10.0.0.0/8");
    }
}
