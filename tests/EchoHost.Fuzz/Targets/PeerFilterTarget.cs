using System.Net;
using EchoHost.Connections.Tracking;
using EchoHost.Http;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// The parameter <c>peer</c> of <c>/connections</c>: the address that a connection shows finds it, and a different address
/// does not.
/// </summary>
internal static class PeerFilterTarget
{
    public static FuzzTarget Target { get; } = new(
        "peer-filter", "?peer= finds the connections that it says, and no others", Check, typeof(ConnectionsEndpoint), Seeds);

    private static void Check(byte[] input)
    {
        ReadOnlySpan<byte> rest = input;
        var endPoint = Inputs.TakeEndPoint(ref rest);
        var connection = Connection(endPoint);
        var address = connection.ClientIP!;
        Property.Holds(Finds(connection.Client, connection) == true, $"{connection.Client} does not find itself");
        Property.Holds(Finds(address.ToString(), connection) == true, $"{address} does not find {connection.Client}");
        var whole = $"{address}/{address.GetAddressBytes().Length * 8}";
        Property.Holds(Finds(whole, connection) == true, $"{whole} does not find {connection.Client}");

        // Evaluate the text by its parts.
        var text = Inputs.Text(rest);
        var found = Finds(text, connection);
        if (text.Split('/') is [var network, var bits])
        {
            var isInside = IPAddress.TryParse(network, out var start) && int.TryParse(bits, out var length) && HaveSameBits(start, address, length);
            Property.Holds(found != true || isInside, $"{text} finds {connection.Client}");
        }
        else if (found == true && IPEndPoint.TryParse(text, out var other))
        {
            var plain = other.Address.IsIPv4MappedToIPv6 ? other.Address.MapToIPv4() : other.Address;
            Property.Holds(plain.Equals(address) && (other.Port == 0 || other.Port == endPoint.Port), $"{text} finds {connection.Client}");
        }
    }

    private static bool? Finds(string text, TrackedConnection connection) => ConnectionsEndpoint.ClientFilter(text)?.Invoke(connection);

    private static TrackedConnection Connection(IPEndPoint peer) =>
        new(new DefaultConnectionContext("id") { RemoteEndPoint = peer }, "Tcp", TimeProvider.System);

    internal static bool HaveSameBits(IPAddress one, IPAddress other, int count)
    {
        var (left, right) = (one.GetAddressBytes(), other.GetAddressBytes());
        return left.Length == right.Length && count >= 0 && count <= left.Length * 8
            && Enumerable.Range(0, count).All(bit => ((left[bit / 8] ^ right[bit / 8]) & (0x80 >> (bit % 8))) == 0);
    }

    private static IEnumerable<byte[]> Seeds()
    {
        byte[] ipv4 = [0, 0x01, 0xBB, 192, 0, 2, 1, .. new byte[12]];
        byte[] ipv6 = [1, 0xDC, 4, 0x20, 1, 0x0D, 0xB8, .. new byte[11], 1];
        foreach (var text in (string[])["192.0.2.1", "192.0.2.1:443", "192.0.2.0/24", "unix:id", "::ffff:192.0.2.1"])
        {
            yield return [.. ipv4, .. Inputs.Bytes(text)];
        }

        foreach (var text in (string[])["2001:db8::1", "[2001:db8::1]:56324", "[2001:db8::1]:1", "[2001:db8:0::1]:56324", "2001:db8::/32", "2001:db8::1/128"])
        {
            yield return [.. ipv6, .. Inputs.Bytes(text)];
        }
    }
}
