using System.Net;
using EchoHost.Text;

namespace EchoHost.Configuration;

/// <summary>A set of networks in CIDR notation (RFC 4632).</summary>
internal sealed class NetworkSet
{
    public static readonly NetworkSet Empty = new([], []);

    /// <summary>The number of bits before the IPv4 address in an IPv4-mapped one (RFC 4291, section 2.5.5.2).</summary>
    private const int MappedPrefix = 96;

    private readonly IPNetwork[] _networks;

    private NetworkSet(IPNetwork[] networks, IReadOnlyList<string> texts)
    {
        _networks = networks;
        Texts = texts;
    }

    /// <summary>The networks as they were written.</summary>
    public IReadOnlyList<string> Texts { get; }

    public bool IsEmpty => _networks.Length == 0;

    /// <summary>
    /// Parses <c>10.0.0.0/8</c> or <c>2001:db8::/32</c>; a single address is a network of its own. IPv4-mapped addresses
    /// become IPv4, as clients' addresses do.
    /// </summary>
    /// <param name="key">The configuration key that holds the list.</param>
    /// <param name="networks">Its values.</param>
    /// <exception cref="ConfigurationException">A value is not a network.</exception>
    public static NetworkSet Parse(string key, IReadOnlyList<string> networks) =>
        new([.. networks.Select((text, index) => ParseOne($"{key}:{index}", text))], networks);

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
        return TryParseOne(text, out var network) ? network : throw new ConfigurationException($"{key} is '{text}'; expected a network as in 10.0.0.0/8");
    }

    /// <summary>Parses one network or a single address.</summary>
    public static bool TryParseOne(string text, out IPNetwork network)
    {
        network = default;
        if (AddressText.TryParse(text, out var address))
        {
            network = Plain(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            return true;
        }

        if (!AddressText.TryParse(text.Split('/')[0], out var start) || !IPNetwork.TryParse(text, out var parsed)
            || (start.IsIPv4MappedToIPv6 && parsed.PrefixLength < MappedPrefix))
        {
            return false;
        }

        network = Plain(parsed);
        return true;
    }

    private static IPNetwork Plain(IPNetwork network) =>
        network.BaseAddress.IsIPv4MappedToIPv6 ? new IPNetwork(network.BaseAddress.MapToIPv4(), network.PrefixLength - MappedPrefix) : network;
}
