using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using EchoHost.Peers;
using EchoHost.Peers.Mesh;
using EchoHost.Text;
using Microsoft.AspNetCore.Http.Features;

namespace EchoHost.Http;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PeerDescriptions))]
[JsonSerializable(typeof(PeerAnswer))]
internal sealed partial class PeersJson : JsonSerializerContext;
