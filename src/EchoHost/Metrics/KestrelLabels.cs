using System.Diagnostics.Metrics;

namespace EchoHost.Metrics;

/// <summary>
/// Which labels Kestrel's series keep. Not <c>server.address</c>: on an endpoint for all addresses that is the one that a
/// client chose, of 16 million on loopback alone, and a series is kept for each.
/// </summary>
internal static class KestrelLabels
{
    public const string MeterName = "Microsoft.AspNetCore.Server.Kestrel";

    private static readonly string[] Kept =
        ["server.port", "network.type", "network.transport", "network.protocol.name", "network.protocol.version", "tls.protocol.version", "error.type"];

    /// <summary>The labels that an instrument's series keep; null for all.</summary>
    public static string[]? Of(Instrument instrument) => instrument.Meter.Name == MeterName ? Kept : null;
}
