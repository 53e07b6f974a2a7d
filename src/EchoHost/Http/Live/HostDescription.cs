using System.Text.Json;
using System.Text.Json.Serialization;

namespace EchoHost.Http.Live;

/// <summary>The host as the page's head shows it.</summary>
/// <param name="Instance">Its name.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Version">Its version.</param>
/// <param name="State"><c>accepting</c> or <c>draining</c>.</param>
/// <param name="StartedAt">Since when it runs, UTC.</param>
/// <param name="MaxConnections">The maximum number of connections of all raw endpoints together.</param>
/// <param name="Admin">Whether a token is configured, with which connections can be closed.</param>
/// <param name="Fleet">Whether <c>/fleet</c> answers.</param>
/// <param name="Endpoints">The raw endpoints, as in <c>/endpoints</c>.</param>
internal sealed record HostDescription(
    string Instance,
    IReadOnlyDictionary<string, string> Labels,
    string Version,
    string State,
    DateTime StartedAt,
    int MaxConnections,
    bool Admin,
    bool Fleet,
    IReadOnlyList<EndpointDescription> Endpoints);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(HostDescription))]
[JsonSerializable(typeof(PeersEvent))]
internal sealed partial class LiveJson : JsonSerializerContext;
