using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using EchoHost.Connections.Tracking;
using EchoHost.Identity;
using EchoHost.Lifetime;

namespace EchoHost.Http;

/// <summary>
/// Generates the responses of <c>GET /connections</c>. Each is kept for a second, and over time all of them together take at most
/// 1/50 of one processor.
/// </summary>
internal sealed class ConnectionListings(ConnectionRegistry registry, DrainState drain, Instance instance) : IDisposable
{
    /// <summary>
    /// The maximum number of TCP_INFO calls for one listing sorted by round-trip time. With more connections, each listing
    /// reads another part.
    /// </summary>
    internal const int MaxReadings = 10_000;

    private const double Share = 1 / 50.0;

    /// <summary>The number of connections after which the thread yields to other work.</summary>
    private const int Slice = 256;

    private static readonly TimeSpan Keep = TimeSpan.FromSeconds(1);

    private readonly CostlyAnswers<ConnectionQuery> _answers = new(Keep, Share, TimeProvider.System);
    private int _round;

    /// <param name="query">The parameters.</param>
    /// <param name="matches">The filter that <see cref="ConnectionQuery.Peer"/> stands for.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>JSON; null if too many other responses are queued.</returns>
    public ValueTask<ReadOnlySequence<byte>?> GetAsync(ConnectionQuery query, Func<TrackedConnection, bool>? matches, CancellationToken cancellationToken) =>
        _answers.GetAsync(query, query => MakeAsync(query, matches), cancellationToken);

    public void Dispose() => _answers.Dispose();

    private async ValueTask<ReadOnlySequence<byte>> MakeAsync(ConnectionQuery query, Func<TrackedConnection, bool>? matches)
    {
        var shown = await LargestAsync(query, matches);
        // The pipe's blocks are the response, without a copy into one array; the garbage collector takes them after use.
        var text = new Pipe(new PipeOptions(pauseWriterThreshold: 0, minimumSegmentSize: 32 * 1024, useSynchronizationContext: false));
        await using var json = new Utf8JsonWriter(text.Writer);
        json.WriteStartObject();
        json.WriteString("instance", instance.Name);
        json.WriteString("state", drain.Label);
        json.WriteNumber("active", registry.Count);
        json.WriteStartArray("connections");
        for (var i = 0; i < shown.Length; i++)
        {
            JsonSerializer.Serialize(json, ConnectionDescription.Of(shown[i]), ConnectionsJson.Default.ConnectionDescription);
            await RestAfterAsync(i);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync();
        await text.Writer.FlushAsync();
        return text.Reader.TryRead(out var read) ? read.Buffer : ReadOnlySequence<byte>.Empty;
    }

    /// <summary>
    /// Selects the largest connections with a heap of at most <c>Limit</c> entries, instead of sorting all of them.
    /// </summary>
    private async ValueTask<TrackedConnection[]> LargestAsync(ConnectionQuery query, Func<TrackedConnection, bool>? matches)
    {
        var found = new PriorityQueue<TrackedConnection, (double Key, long Youth)>();
        // Without a filter the total is known, and each listing reads every stride-th connection.
        var (stride, readings, seen) = (matches is null ? (registry.Count / MaxReadings) + 1 : 1, 0, 0);
        var phase = _round++ % stride;
        foreach (var connection in registry.All())
        {
            await RestAfterAsync(seen++);
            if (matches?.Invoke(connection) == false)
            {
                continue;
            }

            if (query.Order == ConnectionOrder.Rtt && seen % stride == phase && readings++ < MaxReadings)
            {
                connection.ReadRtt();
            }

            // For equal keys, the oldest first. The key is read once, so that a change meanwhile does no harm.
            var rank = (KeyOf(connection, query.Order), -connection.OpenedTimestamp);
            if (found.Count < query.Limit)
            {
                found.Enqueue(connection, rank);
            }
            else if (query.Limit > 0)
            {
                found.EnqueueDequeue(connection, rank);
            }
        }

        var largest = new TrackedConnection[found.Count];
        for (var i = largest.Length - 1; i >= 0; i--)
        {
            largest[i] = found.Dequeue();
        }

        return largest;
    }

    private static double KeyOf(TrackedConnection connection, ConnectionOrder order) => order switch
    {
        ConnectionOrder.Idle => connection.Idle.Ticks,
        ConnectionOrder.Received => connection.ReceivedBytes,
        ConnectionOrder.Rtt => connection.RttMicroseconds,
        ConnectionOrder.Age => connection.Age.Ticks,
        _ => throw new ArgumentOutOfRangeException(nameof(order), order, "no such order"),
    };

    private static async ValueTask RestAfterAsync(int done)
    {
        if (done % Slice == Slice - 1)
        {
            await Task.Yield();
        }
    }
}
