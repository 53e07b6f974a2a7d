using System.Net;
using System.Net.NetworkInformation;
using EchoHost.Configuration;
using EchoHost.Endpoints;
using EchoHost.Http;
using Microsoft.AspNetCore.Http;

namespace EchoHost.Fuzz.Targets;

/// <summary>
/// The allowed host names, in the first line, and the header <c>Host</c>, in the second: what a browser takes for a name is
/// accepted only if it is allowed.
/// </summary>
internal static class AllowedHostsTarget
{
    private static readonly string[] OwnNames =
    [
        "localhost", Environment.MachineName, Dns.GetHostName(), $"{Environment.MachineName}.{IPGlobalProperties.GetIPGlobalProperties().DomainName}",
    ];

    public static FuzzTarget Target { get; } = new(
        "allowed-hosts", "no page in a browser reads the host under a name that is not allowed", Check, typeof(AllowedHosts), Seeds);

    private static void Check(byte[] input)
    {
        var lines = Inputs.Lines(input, 2);
        var (configured, host) = (lines[0], lines[1]);
        CheckOn("http://localhost:8080", isLocal: true);
        CheckOn("http://*:8080", isLocal: false);

        void CheckOn(string url, bool isLocal)
        {
            AllowedHosts hosts;
            try
            {
                hosts = AllowedHosts.Read(configured, HttpAddress.ParseAll(url));
            }
            catch (ConfigurationException e)
            {
                var isNamed = e.Message.StartsWith($"{AllowedHosts.Key} is '{configured}'", StringComparison.Ordinal);
                Property.Holds(isNamed, "the error does not name key and value");
                return;
            }

            var header = new HostString(host);
            Property.Holds(hosts.Allows(header, "/health/ready") && hosts.Allows(header, "/metrics"), "a probe is refused for its name");
            var names = configured.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (names.Contains("*") || (names.Length == 0 && !isLocal))
            {
                Property.Holds(hosts.Allows(header, "/connections"), "a name is refused though any will do");
            }
            else if (hosts.Allows(header, "/connections") && BrowsersName(host) is { } name)
            {
                Property.Holds(names.Concat(isLocal ? OwnNames : []).Any(pattern => Matches(pattern, name)), $"{name} is allowed");
            }
        }
    }

    /// <summary>
    /// The name that a browser has for the host to which it sends this header; null for an address, as which browsers treat
    /// every host whose last part is a number, and for a header that no browser sends.
    /// </summary>
    private static string? BrowsersName(string host) =>
        host.AsSpan().IndexOfAny('/', '\\', '?') < 0 && !host.Contains('#', StringComparison.Ordinal)
        && Uri.TryCreate($"http://{host}/", UriKind.Absolute, out var url) && url.HostNameType == UriHostNameType.Dns
        && url.IdnHost.TrimEnd('.') is var name && host.StartsWith(name, StringComparison.OrdinalIgnoreCase)
        && !char.IsAsciiDigit(name.Split('.')[^1].FirstOrDefault('0'))
            ? name
            : null;

    private static bool Matches(string pattern, string name) => pattern.StartsWith("*.", StringComparison.Ordinal)
        ? name.EndsWith(pattern[1..].TrimEnd('.'), StringComparison.OrdinalIgnoreCase)
        : pattern.TrimEnd('.').Equals(name, StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<byte[]> Seeds() =>
        from configured in (string[])["", "echo.example.net;*.example.org", "*", "[2001:db8::1]"]
        from host in (string[])[
            "localhost:8080",
            "127.0.0.1",
            "[::1]:8080",
            "rebound.example",
            "a.example.org.",
            "echo.example.net:80",
            "rebound.example/.example.org",
        ]
        select Inputs.Bytes($"{configured}\n{host}");
}
