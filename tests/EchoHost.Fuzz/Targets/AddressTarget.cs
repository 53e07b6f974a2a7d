using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;
using EchoHost.Endpoints;
using EchoHost.Peers;
using EchoHost.Text;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// Addresses to listen on and to connect to: rejected with the value, or usable and unchanged when written and read again.
/// </summary>
internal static class AddressTarget
{
    public static FuzzTarget Target { get; } = new(
        "address", "URLs and peers are refused in words, or can be used", Check, typeof(PeerTarget), Seeds);

    private static void Check(byte[] input)
    {
        var text = Inputs.Text(input);
        CheckHttp(text);
        CheckEndpoint(text);
        CheckPeer(text, mayLackPort: false);
        CheckPeer(text, mayLackPort: true);
        if (HostPort.TryParse(text, out var at, out _))
        {
            Property.Holds(HostPort.TryParse($"{at.Host}:{at.Port}", out var same, out _) && same == at, $"'{text}' is {at}");
            Property.Holds(text.StartsWith(at.Host + ':', StringComparison.Ordinal), $"'{text}' has the host {at.Host}");
        }

        if (AddressText.TryParseEndPoint(text, out var endPoint))
        {
            Property.Holds(AddressText.TryParseEndPoint(endPoint.ToString(), out var again) && again.Equals(endPoint), $"'{text}' is {endPoint}");
        }
    }

    private static void CheckHttp(string text)
    {
        try
        {
            var addresses = HttpAddress.ParseAll(text);
            Property.Holds(addresses.Count > 0, $"'{text}' has no address");
            foreach (var address in addresses)
            {
                Property.Holds(address.LocalUri.Port == address.Port || address.Port == 0, $"'{text}' is asked on port {address.LocalUri.Port}");
                Property.Holds(address.IsLoopback || address.Host is not "localhost", $"'{text}' is not loopback");
            }
        }
        catch (ConfigurationException e)
        {
            Property.Holds(e.Message.StartsWith($"{HttpAddress.Key} is '", StringComparison.Ordinal), "the error does not name the key");
        }
    }

    private static void CheckEndpoint(string text)
    {
        try
        {
            var endpoint = ListenEndpoint.Parse("Tcp", text);
            Property.Holds(endpoint.Addresses.Count is 1 or 2, $"'{text}' has {endpoint.Addresses.Count} addresses");
            foreach (var address in endpoint.Addresses.OfType<IPEndPoint>())
            {
                // IPv6 has several spellings, and * and localhost are names.
                var isSpelled = text.Contains($"//{address.Address}:", StringComparison.Ordinal) || address.AddressFamily == AddressFamily.InterNetworkV6
                    || address.Address.Equals(IPAddress.Any) || address.Address.Equals(IPAddress.Loopback);
                Property.Holds(isSpelled, $"'{text}' is taken for {address}");
            }
        }
        catch (ConfigurationException e)
        {
            Property.Holds(e.Message.StartsWith($"Echo:Endpoints:Tcp:Url is '{text}'", StringComparison.Ordinal), "the error does not name key and value");
        }
    }

    private static void CheckPeer(string text, bool mayLackPort)
    {
        if (!PeerTarget.TryParse(text, out var target, out var problem, mayLackPort))
        {
            Property.Holds(!string.IsNullOrEmpty(problem) && target is null, "refused without a reason");
            return;
        }

        Property.Holds(target!.Port is > 0 and <= ushort.MaxValue, $"'{text}' has the port {target.Port}");
        var isSame = PeerTarget.TryParse(target.Name, out var again, out _) && again!.Name == target.Name && again.Port == target.Port;
        Property.Holds(isSame, $"'{text}' is called {target.Name}, which is another peer");
    }

    private static IEnumerable<byte[]> Seeds() => ((string[])
    [
        "http://localhost:8080", "http://*:8080;http://[::1]:80", "http://127.0.0.1", "HTTP://0.0.0.0:0/",
        "tcp://*:5555", "tls://[2001:db8::1]:5556", "unix:/run/echo.sock", "tcp://127.0.0.1:5555", "tcp://localhost:5555",
        "echo.example.net:5555", "tls://10.0.0.2:5555", "[2001:db8::2]:5555", "2001:db8::2", "::ffff:10.0.0.1", "echo",
    ]).Select(Inputs.Bytes);
}
