using System.Collections.Concurrent;
using System.Net;

namespace EchoHost.Connections.Admission;

/// <summary>Counts open connections, over all echo endpoints and per address, and enforces the limits on both.</summary>
internal sealed class ConnectionGate(int maxConnections, int? maxPerAddress)
{
    private readonly ConcurrentDictionary<IPAddress, int> _perAddress = new();
    private int _inside;

    public int MaxConnections { get; } = maxConnections;

    public int? MaxPerAddress { get; } = maxPerAddress;

    /// <summary>Takes a place, if one is free; <see cref="Leave"/> gives it back.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _inside) <= MaxConnections)
        {
            return true;
        }

        Interlocked.Decrement(ref _inside);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _inside);

    /// <summary>
    /// Takes a place from the share of an address, as counted by <see cref="ClientNetwork"/>; <see cref="LeaveAddress"/>
    /// gives it back.
    /// </summary>
    public bool TryEnterAddress(IPAddress address)
    {
        if (MaxPerAddress is not { } most)
        {
            return true;
        }

        while (true)
        {
            if (!_perAddress.TryGetValue(address, out var held))
            {
                if (_perAddress.TryAdd(address, 1))
                {
                    return true;
                }
            }
            else if (held >= most)
            {
                return false;
            }
            else if (_perAddress.TryUpdate(address, held + 1, held))
            {
                return true;
            }
        }
    }

    public void LeaveAddress(IPAddress address)
    {
        if (MaxPerAddress is null)
        {
            return;
        }

        // The last connection of an address removes the entry: addresses seen once are not kept.
        while (_perAddress.TryGetValue(address, out var held))
        {
            if (held > 1 ? _perAddress.TryUpdate(address, held - 1, held) : _perAddress.TryRemove(KeyValuePair.Create(address, held)))
            {
                return;
            }
        }
    }
}
