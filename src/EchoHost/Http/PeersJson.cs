using System.Text.Json;
using System.Text.Json.Serialization;

namespace EchoHost.Http;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PeerDescriptions))]
[JsonSerializable(typeof(PeerAnswer))]
internal sealed partial class PeersJson : JsonSerializerContext;
