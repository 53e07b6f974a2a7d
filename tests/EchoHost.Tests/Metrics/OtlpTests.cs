using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace EchoHost.Tests.Metrics;

/// <summary>A real OTLP/HTTP receiver that decodes what the program pushes.</summary>
public class OtlpTests
{
    [Theory]
    [Trait(TestProgram.Trait, TestProgram.Category)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "", false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "", true)]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "v1/metrics", false)]
    public async Task Metrics_are_pushed_where_OpenTelemetrys_variables_say(string variable, string path, bool onCommandLine)
    {
        var sums = new ConcurrentDictionary<string, long>();
        await using var receiver = await StartReceiverAsync(push =>
        {
            // Replace the figures only when the push is completely decoded.
            var decoded = new ConcurrentDictionary<string, long>();
            Decode(push, decoded);
            sums = decoded;
        });

        (string Name, string Value)[] settings =
            [(variable, $"{receiver.Urls.First()}/{path}"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_METRIC_EXPORT_INTERVAL", "200")];
        using var host = onCommandLine
            ? await EchoHostProcess.StartHostAsync([.. settings.Select(s => $"--{s.Name}={s.Value}")])
            : await EchoHostProcess.StartHostAsync([], settings);
        using var client = await EchoClient.ConnectAsync(host.Tcp);
        await client.EchoAsync("12345");
        // All in one push, though perhaps not the first one with any of them: its figures are not all from the same moment.
        await Wait.UntilAsync(
            () => sums is var push
                && push.GetValueOrDefault("echohost.io.sent") == 5
                && push.GetValueOrDefault("echohost.messages") == 1
                && push.GetValueOrDefault("echohost.connections.active") == 1,
            "what happened arrives at the receiver");
        Assert.Contains("service.name=EchoHost", sums.Keys);
        Assert.Contains("kestrel.active_connections", sums.Keys);
    }

    [Fact]
    public async Task The_series_of_peers_are_pushed_too_and_no_more_when_these_have_left()
    {
        var pushes = new ConcurrentQueue<string>();
        // The bytes of a push contain names as plain text.
        await using var receiver = await StartReceiverAsync(push => pushes.Enqueue(Encoding.Latin1.GetString(push)));

        await using StubPeer stays = StubPeer.Echoes(), leaves = StubPeer.Echoes();
        var resolver = new FakeResolver("127.0.0.1");
        await using var host = await MeshHost.StartAsync(
            resolver,
            $"Peers:Targets:0={stays.Name}",
            $"Peers:Dns:0=echo.example:{leaves.Address.Port}",
            $"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.Urls.First()}",
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL=100");
        bool IsWhole(string push) =>
            new[] { "echohost.peer.rtt", "echohost.peer.probes", "echohost.peer.up", stays.Name }.All(name => push.Contains(name, StringComparison.Ordinal));
        await Wait.UntilAsync(() => pushes.Any(push => IsWhole(push) && push.Contains(leaves.Name, StringComparison.Ordinal)), "the series of both are pushed");

        resolver.Answer(SocketError.HostNotFound);
        await host.UntilLoggedAsync($"Peer {leaves.Name} left: no name has its address any more");
        // The old provider's last pushes may come between those of the new one.
        await Wait.UntilAsync(
            () => pushes.Reverse().TakeWhile(push => !push.Contains(leaves.Name, StringComparison.Ordinal)).Count(IsWhole) >= 3,
            "the series of one are pushed, again and again");
    }

    private static async Task<WebApplication> StartReceiverAsync(Action<byte[]> onPush)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = builder.Build();
        receiver.MapPost("/v1/metrics", async (HttpContext context) =>
        {
            var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            onPush(body.ToArray());
            context.Response.ContentType = "application/x-protobuf";
        });
        await receiver.StartAsync();
        return receiver;
    }

    /// <summary>
    /// Decodes names, integer sums and the resource of an ExportMetricsServiceRequest (opentelemetry-proto, metrics.proto).
    /// </summary>
    private static void Decode(ReadOnlyMemory<byte> request, ConcurrentDictionary<string, long> sums)
    {
        foreach (var resourceMetrics in Fields(request, 1))
        {
            foreach (var attribute in Fields(resourceMetrics, 1).SelectMany(resource => Fields(resource, 1)))
            {
                sums[$"{Text(attribute, 1)}={Fields(attribute, 2).Select(value => Text(value, 1)).FirstOrDefault()}"] = 1;
            }

            foreach (var metric in Fields(resourceMetrics, 2).SelectMany(scope => Fields(scope, 2)))
            {
                var points = Fields(metric, 7).SelectMany(sum => Fields(sum, 1));
                sums[Text(metric, 1)] = points.SelectMany(point => Fields(point, 6)).Sum(value => BinaryPrimitives.ReadInt64LittleEndian(value.Span));
            }
        }
    }

    private static string Text(ReadOnlyMemory<byte> message, int field) => Encoding.UTF8.GetString(Fields(message, field).FirstOrDefault().Span);

    /// <summary>The values of one field, by the protobuf wire format: varint, 64-bit, length-delimited, 32-bit.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>> Fields(ReadOnlyMemory<byte> message, int field)
    {
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message, ref at);
            var start = at;
            var length = (tag & 7) switch
            {
                0 => VarintLength(message, at),
                1 => 8,
                2 => (int)Varint(message, ref start),
                5 => 4,
                _ => throw new InvalidDataException("not a wire type"),
            };
            if (tag >> 3 == (ulong)field)
            {
                yield return message.Slice(start, length);
            }

            at = start + length;
        }
    }

    private static int VarintLength(ReadOnlyMemory<byte> message, int at)
    {
        var end = at;
        Varint(message, ref end);
        return end - at;
    }

    private static ulong Varint(ReadOnlyMemory<byte> message, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var b = message.Span[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }
    }
}
