using System.Text.Json.Serialization;

namespace EchoHost.Peers.Mesh;

/// <summary>Round trips in milliseconds; null if there is none.</summary>
internal sealed record RoundTripSummary(double? Last, double? P50, double? P90, double? P99, [property: JsonPropertyName("p99.9")] double? P999);
