using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// A network in the configuration, such as a trusted proxy's: it contains the addresses that a reader expects, and ambiguous text
/// (<c>010.0.0.1</c>, <c>10.1</c>) is rejected.
/// </summary>
internal static class NetworkTarget
{
    public static FuzzTarget Target { get; } = new(
        "network", "a configured network holds the addresses that it says", Check, typeof(NetworkSet), Seeds);

    private static void Check(byte[] input)
    {
        var text = Inputs.Text(input);
        NetworkSet networks;
        try
        {
            networks = NetworkSet.Parse("Key", [text]);
        }
        catch (ConfigurationException e)
        {
            Property.Holds(e.Message.StartsWith($"Key:0 is '{text}'", StringComparison.Ordinal), "the error does not name key and value");
            return;
        }

        var parts = text.Split('/');
        Property.Holds(parts.Length <= 2 && IPAddress.TryParse(parts[0], out _), $"'{text}' is a network");
        var start = IPAddress.Parse(parts[0]);
        Property.Holds(start.AddressFamily == AddressFamily.InterNetworkV6 || start.ToString() == parts[0], $"'{text}' is taken for {start}");
        var bytes = start.GetAddressBytes();
        var length = bytes.Length * 8;
        Property.Holds(parts.Length == 1 || int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out length), $"'{text}' is a network");
        Property.Holds(length <= bytes.Length * 8, $"'{text}' is a network");
        for (var bit = -1; bit < bytes.Length * 8; bit++)
        {
            // The address itself, then with one bit changed at a time.
            var other = start.GetAddressBytes();
            if (bit >= 0)
            {
                other[bit / 8] ^= (byte)(0x80 >> (bit % 8));
            }

            // A client over IPv4 has an unmapped address, also on a dual-stack socket.
            var address = new IPAddress(other);
            address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
            // So an IPv6 network that is not mapped contains no IPv4 address, however short its prefix.
            var isOtherFamily = address.AddressFamily != start.AddressFamily && !start.IsIPv4MappedToIPv6;
            Property.Holds(networks.Contains(address) == (!isOtherFamily && (bit < 0 || bit >= length)), $"'{text}' and {address}");
        }
    }

    private static IEnumerable<byte[]> Seeds() =>
        ((string[])
        [
            "10.0.0.0/8", "192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "2001:db8::1", "::/0", "fe80::1/128",
            "::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "::fffd:10.0.0.0/4",
        ]).Select(Inputs.Bytes);
}
