using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace EchoHost.Connections.Tracking;

/// <summary>The live connections of all echo endpoints. Safe to read while connections come and go.</summary>
internal sealed class ConnectionRegistry
{
    private readonly ConcurrentDictionary<string, TrackedConnection> _connections = new(StringComparer.Ordinal);
    private int _count;

    /// <summary>The number of connections. Takes no lock, unlike the dictionary's own count.</summary>
    public int Count => Volatile.Read(ref _count);

    public void Add(TrackedConnection connection)
    {
        _connections[connection.Id] = connection;
        Interlocked.Increment(ref _count);
    }

    public void Remove(TrackedConnection connection)
    {
        if (_connections.TryRemove(connection.Id, out _))
        {
            Interlocked.Decrement(ref _count);
        }
    }

    public bool TryGet(string id, [NotNullWhen(true)] out TrackedConnection? connection) => _connections.TryGetValue(id, out connection);

    /// <summary>Enumerates the connections. One that opens or closes meanwhile may be missing or included.</summary>
    public IEnumerable<TrackedConnection> All()
    {
        foreach (var pair in _connections)
        {
            yield return pair.Value;
        }
    }
}
