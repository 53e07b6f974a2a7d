using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization;
using EchoHost.Peers.Fleet;

namespace EchoHost.Http;

/// <summary>Creates the answers of <c>GET /fleet</c>. They are costly: a fleet may have 200,000 pairs of hosts.</summary>
internal sealed class FleetListing(FleetView fleet) : IDisposable
{
    /// <summary>The maximum number of clients that may ask at a time: each may read a large answer slowly, and keep it in memory.</summary>
    internal const int MaxReaders = 32;

    private const double Share = 1 / 20.0;

    private readonly SemaphoreSlim _readers = new(MaxReaders);
    private readonly CostlyAnswers<string> _answers = new(TimeSpan.Zero, Share, TimeProvider.System);

    /// <summary>The fleet as JSON; null if there are too many requests.</summary>
    public ValueTask<ReadOnlySequence<byte>?> GetAsync(CancellationToken cancellationToken) => _answers.GetAsync("", _ => MakeAsync(), cancellationToken);

    /// <summary>Takes one of the places of clients; false if there is none.</summary>
    public bool TryEnter() => _readers.Wait(0);

    /// <summary>Gives the place back.</summary>
    public void Leave() => _readers.Release();

    public void Dispose()
    {
        _answers.Dispose();
        _readers.Dispose();
    }

    private async ValueTask<ReadOnlySequence<byte>> MakeAsync()
    {
        // The pipe's blocks are the response, without a copy into one array.
        var text = new Pipe(new PipeOptions(pauseWriterThreshold: 0, minimumSegmentSize: 32 * 1024, useSynchronizationContext: false));
        await using var json = new Utf8JsonWriter(text.Writer);
        json.WriteStartObject();
        json.WriteStartArray("hosts");
        foreach (var host in fleet.Describe())
        {
            JsonSerializer.Serialize(json, host, FleetJson.Default.FleetHost);
            await Task.Yield();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync();
        await text.Writer.FlushAsync();
        return text.Reader.TryRead(out var read) ? read.Buffer : ReadOnlySequence<byte>.Empty;
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(FleetHost))]
internal sealed partial class FleetJson : JsonSerializerContext;
