using System.Net;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>
/// The places of the HTTP endpoint, so that probes and scrapes are always answered. Where places run
/// out, the connection that has kept the host waiting for the longest gives way, so that a new one always gets in.
/// </summary>
/// <param name="places">How many connections there may be at once.</param>
/// <param name="time">What waiting is measured by.</param>
internal sealed class HttpGate(int places, TimeProvider time)
{
    /// <summary>One address may have a half of all places.</summary>
    private const int ShareDivisor = 2;

    /// <summary>An eighth of all places is reserved for clients on this machine: its operators and its own checks.</summary>
    private const int LoopbackDivisor = 8;

    private readonly Lock _lock = new();
    private readonly HashSet<HttpPlace> _inside = [];
    private readonly Dictionary<IPAddress, int> _perAddress = [];
    private int _fromElsewhere;

    public int Places { get; } = places;

    /// <summary>The most that one client can have, by <see cref="ClientNetwork"/>.</summary>
    public int Share { get; } = places / ShareDivisor;

    /// <summary>The most that clients on other machines have together.</summary>
    public int PlacesForElsewhere { get; } = places - (places / LoopbackDivisor);

    /// <summary>Takes a place for a connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="address">Where it comes from; null where that is unknown, which is no reason to take it for one from this machine.</param>
    /// <param name="hasShare">Whether the address's share counts. Not yet for a proxy, whose clients have shares of their own.</param>
    /// <param name="displaced">The place that had to be given up for it, if any; its connection is to be ended.</param>
    public HttpPlace Enter(ConnectionContext connection, IPAddress? address, bool hasShare, out HttpPlace? displaced)
    {
        var place = new HttpPlace(connection, isLocal: address is not null && IPAddress.IsLoopback(address), time);
        lock (_lock)
        {
            var network = hasShare ? ClientNetwork.Of(address) : null;
            displaced = IsShareTaken(network) ? FirstToGo(other => network!.Equals(other.Network))
                : !place.IsLocal && _fromElsewhere >= PlacesForElsewhere ? FirstToGo(other => !other.IsLocal)
                : _inside.Count >= Places ? FirstToGo(_ => true)
                : null;
            Remove(displaced);
            Add(place, network);
            return place;
        }
    }

    /// <summary>Counts a place in its client's share, once the client is known.</summary>
    /// <param name="place">The place.</param>
    /// <param name="address">Its client's address.</param>
    /// <param name="displaced">As for <see cref="Enter"/>.</param>
    public void EnterShare(HttpPlace place, IPAddress? address, out HttpPlace? displaced)
    {
        displaced = null;
        lock (_lock)
        {
            var network = ClientNetwork.Of(address);
            if (_inside.Contains(place) && !network.Equals(place.Network))
            {
                displaced = IsShareTaken(network) ? FirstToGo(other => network.Equals(other.Network)) : null;
                Remove(displaced);
                Remove(place);
                Add(place, network);
            }
        }
    }

    /// <summary>Gives a place back; one that had to be given up before is no longer there.</summary>
    public void Leave(HttpPlace place)
    {
        lock (_lock)
        {
            Remove(place);
        }
    }

    private bool IsShareTaken(IPAddress? network) => network is not null && _perAddress.GetValueOrDefault(network) >= Share;

    private HttpPlace? FirstToGo(Func<HttpPlace, bool> isCandidate) => _inside.Where(isCandidate).MinBy(place => place.Order);

    private void Add(HttpPlace place, IPAddress? network)
    {
        place.Network = network;
        _inside.Add(place);
        _fromElsewhere += place.IsLocal ? 0 : 1;
        if (network is not null)
        {
            _perAddress[network] = _perAddress.GetValueOrDefault(network) + 1;
        }
    }

    private void Remove(HttpPlace? place)
    {
        if (place is null || !_inside.Remove(place))
        {
            return;
        }

        _fromElsewhere -= place.IsLocal ? 0 : 1;
        // The last one out removes the entry, so that addresses seen once are not kept.
        if (place.Network is { } network && --_perAddress[network] == 0)
        {
            _perAddress.Remove(network);
        }
    }
}
