using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace EchoHost.Connections.Tracking;

/// <summary>The live connections of all echo endpoints. Safe to read while connections come and go.</summary>
internal sealed class ConnectionRegistry
{
    private readonly ConcurrentDictionary<string, TrackedConnection> _connections = new(StringComparer.Ordinal);
    private int _count;

    /// <summary>How many there are; unlike the dictionary's own count it takes no lock.</summary>
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

    /// <summary>The connections one after the other; those that come or go meanwhile may be among them or not.</summary>
    public IEnumerable<TrackedConnection> All()
    {
        foreach (var pair in _connections)
        {
            yield return pair.Value;
        }
    }
}
