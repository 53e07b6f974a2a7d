using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using EchoHost.Configuration;
using EchoHost.Connections.Faults;
using EchoHost.Endpoints;
using EchoHost.Metrics;

namespace EchoHost.Http;

/// <summary>A raw endpoint as <c>/endpoints</c> shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Url">The configured URL.</param>
/// <param name="Addresses">The addresses that it is bound to.</param>
/// <param name="Service">What it does with a connection.</param>
/// <param name="Connections">The number of connections open now.</param>
/// <param name="Faults">The faults that new connections get; null if there are none.</param>
/// <param name="FaultsUntil">When these end by themselves, UTC; null if they do not.</param>
internal sealed record EndpointDescription(
    string Name,
    string Url,
    IReadOnlyList<string> Addresses,
    string Service,
    long Connections,
    JsonObject? Faults,
    DateTime? FaultsUntil)
{
    public static EndpointDescription Of(ListenEndpoint endpoint, BoundEndpoints bound, EchoMetrics metrics, EndpointFaults faults) => new(
        endpoint.Name,
        endpoint.Url,
        [.. bound.Of(endpoint).Select(address => address.ToString()!)],
        endpoint.Service.ToString(),
        metrics.For(endpoint.Name).Active,
        FaultDescription.Of(faults.Current),
        faults.Until?.UtcDateTime);
}

/// <summary>Faults as JSON with the keys of the configuration, so that what is shown can be set again.</summary>
internal static class FaultDescription
{
    /// <summary>Describes faults without the keys at their default; null if there are none.</summary>
    public static JsonObject? Of(FaultOptions? options)
    {
        if (options is null)
        {
            return null;
        }

        (string Key, JsonNode? Value)[] keys =
        [
            (nameof(options.Share), options.Share < 1 ? options.Share : null),
            (nameof(options.Networks), options.Networks.IsEmpty ? null : new JsonArray([.. options.Networks.Texts.Select(text => JsonValue.Create(text))])),
            (nameof(options.Seed), options.Seed),
            (nameof(options.Delay), Text(options.Delay)),
            (nameof(options.Jitter), Text(options.Jitter)),
            (nameof(options.BytesPerSecond), options.BytesPerSecond),
            (nameof(options.SliceBytes), options.SliceBytes),
            (nameof(options.CloseAfterBytes), options.CloseAfterBytes),
            (nameof(options.CloseAfter), Text(options.CloseAfter)),
            (nameof(options.ResetAfterBytes), options.ResetAfterBytes),
            (nameof(options.ResetAfter), Text(options.ResetAfter)),
            (nameof(options.Silent), options.Silent ? true : null),
            (nameof(options.Stalled), options.Stalled ? true : null),
            (nameof(options.CorruptEvery), options.CorruptEvery),
        ];
        return new JsonObject(
            from key in keys where key.Value is not null select KeyValuePair.Create(JsonNamingPolicy.CamelCase.ConvertName(key.Key), key.Value));
    }

    private static string? Text(TimeSpan? time) => time is { } value ? Duration.Format(value) : null;
}

/// <summary>The answer of <c>GET /endpoints</c>.</summary>
internal sealed record EndpointList(IReadOnlyList<EndpointDescription> Endpoints);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(EndpointList))]
internal sealed partial class EndpointsJson : JsonSerializerContext;
