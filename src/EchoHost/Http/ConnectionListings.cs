using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using EchoHost.Connections.Tracking;
using EchoHost.Lifetime;

namespace EchoHost.Http;

/// <summary>By what a listing is sorted, the largest first; also how the parameter spells it.</summary>
internal enum ConnectionOrder
{
    Age,
    Idle,
    Received,
    Rtt,
}

/// <summary>What is asked of <c>/connections</c>.</summary>
/// <param name="Limit">How many at the most.</param>
/// <param name="Order">By what they are sorted.</param>
/// <param name="Peer">Only these, as it was asked; null for all.</param>
internal sealed record ConnectionQuery(int Limit, ConnectionOrder Order, string? Peer);

/// <summary>
/// Makes the answers of <c>GET /connections</c>: each is kept for a second, and together they take at most a fiftieth of a
/// processor for long.
/// </summary>
internal sealed class ConnectionListings(ConnectionRegistry registry, DrainState drain) : IDisposable
{
    /// <summary>How many connections the kernel is asked about to sort them; of more, another part with each listing.</summary>
    internal const int MaxReadings = 10_000;

    private const double Share = 1 / 50.0;

    /// <summary>After so many connections other work gets its turn on the thread.</summary>
    private const int Slice = 256;

    private static readonly TimeSpan Keep = TimeSpan.FromSeconds(1);

    private readonly CostlyAnswers<ConnectionQuery> _answers = new(Keep, Share, TimeProvider.System);
    private int _round;

    /// <param name="query">What is asked.</param>
    /// <param name="matches">What the query's <see cref="ConnectionQuery.Peer"/> means.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>JSON; null where too many others are to be made first.</returns>
    public ValueTask<ReadOnlySequence<byte>?> GetAsync(ConnectionQuery query, Func<TrackedConnection, bool>? matches, CancellationToken cancellationToken) =>
        _answers.GetAsync(query, query => MakeAsync(query, matches), cancellationToken);

    public void Dispose() => _answers.Dispose();

    private async ValueTask<ReadOnlySequence<byte>> MakeAsync(ConnectionQuery query, Func<TrackedConnection, bool>? matches)
    {
        var shown = await LargestAsync(query, matches);
        // Its blocks are the answer, without being copied into one; they are the collector's once the answer is forgotten.
        var text = new Pipe(new PipeOptions(pauseWriterThreshold: 0, minimumSegmentSize: 32 * 1024, useSynchronizationContext: false));
        await using var json = new Utf8JsonWriter(text.Writer);
        json.WriteStartObject();
        json.WriteString("instance", Environment.MachineName);
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

    /// <summary>The first of them by the query's order, with the smallest of those found so far at hand, so that the others need not be sorted.</summary>
    private async ValueTask<TrackedConnection[]> LargestAsync(ConnectionQuery query, Func<TrackedConnection, bool>? matches)
    {
        var found = new PriorityQueue<TrackedConnection, (double Key, long Youth)>();
        // Without a filter it is known how many there are, and each round reads every so many of them.
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

            // Of equals the oldest first. Taken once for each, so that one that changes meanwhile does no harm.
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
        _ => connection.Age.Ticks,
    };

    private static async ValueTask RestAfterAsync(int done)
    {
        if (done % Slice == Slice - 1)
        {
            await Task.Yield();
        }
    }
}
