using System.Diagnostics.Metrics;

namespace EchoHost.Metrics;

/// <summary>
/// The labels that Kestrel's series keep. <c>server.address</c> is dropped: on an endpoint for all addresses it is the
/// address that the client chose, loopback alone has 16 million of them, and each would keep a series.
/// </summary>
internal static class KestrelLabels
{
    public const string MeterName = "Microsoft.AspNetCore.Server.Kestrel";

    private static readonly string[] Kept =
        ["server.port", "network.type", "network.transport", "network.protocol.name", "network.protocol.version", "tls.protocol.version", "error.type"];

    /// <summary>The labels that an instrument's series keep; null for all.</summary>
    public static string[]? Of(Instrument instrument) => instrument.Meter.Name == MeterName ? Kept : null;
}
