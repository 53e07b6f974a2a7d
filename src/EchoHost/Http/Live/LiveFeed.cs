using System.Buffers;
using System.Text.Json;
using EchoHost.Connections.Admission;
using EchoHost.Connections.Faults;
using EchoHost.Endpoints;
using EchoHost.Identity;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using EchoHost.Peers.Mesh;

namespace EchoHost.Http.Live;

/// <summary>
/// Generates the events of <c>/live</c>, once a second and once for all watchers. Without watchers it only keeps the history, and its
/// work does not depend on the number of connections.
/// </summary>
internal sealed class LiveFeed(
    Instance instance,
    DrainState drain,
    ConnectionCapacity capacity,
    AdminOptions admin,
    ListenEndpoints endpoints,
    BoundEndpoints bound,
    EchoMetrics metrics,
    FaultSettings faults,
    PeerList peers,
    MeshOptions mesh,
    TimeProvider time)
{
    /// <summary>The maximum number of watchers.</summary>
    internal const int MaxWatchers = 64;

    /// <summary>A browser connects again after two seconds.</summary>
    private static readonly byte[] Beginning = "retry: 2000\n\n"u8.ToArray();

    private readonly Lock _lock = new();
    private readonly List<LiveWatcher> _watchers = [];
    private readonly ActivityHistory _history = new();
    private readonly PeerChanges _changes = new(peers, mesh);
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private DateTimeOffset _end = time.GetUtcNow();
    /// <summary>When the first second began, as a timestamp: at the first tick, so that ticks come at whole seconds.</summary>
    private long? _start;
    private byte[] _host = [];
    private byte[]? _snapshot;
    private bool _isOver;

    /// <summary>The number of watchers.</summary>
    internal int Watchers
    {
        get
        {
            lock (_lock)
            {
                return _watchers.Count;
            }
        }
    }

    /// <summary>Adds a watcher, whose first events are the whole state; null if there are too many.</summary>
    /// <param name="onTooSlow">Called when it does not read fast enough.</param>
    public LiveWatcher? Join(Action onTooSlow)
    {
        lock (_lock)
        {
            if (_watchers.Count >= MaxWatchers)
            {
                return null;
            }

            // A snapshot of this second goes with what was looked at then: what changed since must still be sent.
            if (_watchers.Count == 0 && _snapshot is null)
            {
                // Nothing was looked at while nothing was watched.
                _changes.Changes();
                _host = DescribeHost();
            }

            var watcher = new LiveWatcher(onTooSlow);
            watcher.Send(_snapshot ??= Snapshot());
            if (_isOver)
            {
                watcher.End();
            }

            _watchers.Add(watcher);
            return watcher;
        }
    }

    public void Leave(LiveWatcher watcher)
    {
        lock (_lock)
        {
            _watchers.Remove(watcher);
        }
    }

    /// <summary>Records the last second, and sends what changed in it. Called once a second.</summary>
    public void Tick()
    {
        lock (_lock)
        {
            if (_isOver)
            {
                // A timer may still be at it when the host has ended the events.
                return;
            }

            _start ??= time.GetTimestamp();
            var seconds = _history.Add(metrics.Total(), time.GetElapsedTime(_start.Value));
            if (seconds == 0)
            {
                return;
            }

            _end = time.GetUtcNow();
            _snapshot = null;
            if (_watchers.Count == 0)
            {
                return;
            }

            var events = new ArrayBufferWriter<byte>();
            WriteHost(events);
            if (_changes.Changes() is { } changes)
            {
                Write(events, "peers"u8, JsonSerializer.SerializeToUtf8Bytes(changes, LiveJson.Default.PeersEvent));
            }

            // More than one after a pause of the machine.
            for (var ago = seconds - 1; ago >= 0; ago--)
            {
                Write(events, "sample"u8, json => _history.WriteOne(json, ago, _end));
            }

            Send(events);
        }
    }

    /// <summary>Ends the events of all watchers, after the last state.</summary>
    public void End()
    {
        lock (_lock)
        {
            if (_isOver)
            {
                return;
            }

            Tick();
            // A drain may have begun and ended within the second that was recorded last.
            var last = new ArrayBufferWriter<byte>();
            WriteHost(last);
            Send(last);
            _isOver = true;
            foreach (var watcher in _watchers)
            {
                watcher.End();
            }
        }
    }

    /// <summary>Writes what the host says of itself, if that has changed.</summary>
    private void WriteHost(ArrayBufferWriter<byte> events)
    {
        var host = DescribeHost();
        if (!host.AsSpan().SequenceEqual(_host))
        {
            _host = host;
            _snapshot = null;
            Write(events, "host"u8, host);
        }
    }

    private void Send(ArrayBufferWriter<byte> events)
    {
        if (events.WrittenCount == 0)
        {
            return;
        }

        foreach (var watcher in _watchers)
        {
            watcher.Send(events.WrittenMemory);
        }
    }

    /// <summary>The whole state. It is kept for a second, so that watchers that come and go do not make the host work more.</summary>
    private byte[] Snapshot()
    {
        var events = new ArrayBufferWriter<byte>();
        events.Write(Beginning);
        Write(events, "host"u8, _host);
        Write(events, "history"u8, json => _history.WriteAll(json, _end));
        Write(events, "peers"u8, JsonSerializer.SerializeToUtf8Bytes(_changes.All(), LiveJson.Default.PeersEvent));
        return events.WrittenSpan.ToArray();
    }

    private byte[] DescribeHost() => JsonSerializer.SerializeToUtf8Bytes(
        new HostDescription(
            instance.Name,
            instance.Labels,
            EchoMetrics.Version,
            drain.Label,
            _startedAt.UtcDateTime,
            capacity.Echo,
            admin.Token.Length > 0,
            Fleet: mesh.HttpPort is not null,
            [.. endpoints.Raw.Select(endpoint => EndpointDescription.Of(endpoint, bound, metrics, faults.Of(endpoint.Name)))]),
        LiveJson.Default.HostDescription);

    private static void Write(ArrayBufferWriter<byte> events, ReadOnlySpan<byte> name, Action<Utf8JsonWriter> write)
    {
        var data = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(data))
        {
            write(json);
        }

        Write(events, name, data.WrittenSpan);
    }

    /// <summary>Writes an event (HTML Standard, section 9.2.6). JSON has no line break, so its data is one line.</summary>
    private static void Write(ArrayBufferWriter<byte> events, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        events.Write("event: "u8);
        events.Write(name);
        events.Write("\ndata: "u8);
        events.Write(data);
        events.Write("\n\n"u8);
    }
}
