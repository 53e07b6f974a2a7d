using System.Collections;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Epoll;

/// <summary>
/// A connection's features: those that were set, and the interfaces of the connection itself. A small array, because a
/// dictionary for each of many thousand idle connections would be larger than the rest of them.
/// </summary>
internal sealed class ConnectionFeatures(EpollConnection connection) : IFeatureCollection
{
    private KeyValuePair<Type, object?>[] _added = new KeyValuePair<Type, object?>[6];
    private int _count;

    public bool IsReadOnly => false;

    public int Revision { get; private set; }

    public object? this[Type key]
    {
        get => IndexOf(key) is >= 0 and var index ? _added[index].Value : key.IsInstanceOfType(connection) ? connection : null;
        set
        {
            Revision++;
            var index = IndexOf(key);
            if (index < 0)
            {
                if (_count == _added.Length)
                {
                    Array.Resize(ref _added, _count * 2);
                }

                index = _count++;
            }

            _added[index] = new KeyValuePair<Type, object?>(key, value);
        }
    }

    public TFeature? Get<TFeature>() =>
        IndexOf(typeof(TFeature)) is >= 0 and var index ? (TFeature?)_added[index].Value : connection is TFeature own ? own : default;

    public void Set<TFeature>(TFeature? instance) => this[typeof(TFeature)] = instance;

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator()
    {
        for (var i = 0; i < _count; i++)
        {
            if (_added[i].Value is { } value)
            {
                yield return new KeyValuePair<Type, object>(_added[i].Key, value);
            }
        }

        foreach (var own in typeof(EpollConnection).GetInterfaces())
        {
            if (IndexOf(own) < 0)
            {
                yield return new KeyValuePair<Type, object>(own, connection);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int IndexOf(Type key)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_added[i].Key == key)
            {
                return i;
            }
        }

        return -1;
    }
}
