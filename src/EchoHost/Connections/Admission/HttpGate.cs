using System.Net;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>
/// Limits the connections of the HTTP endpoint, yet always admits a new one, so that probes and scrapes get an answer: if no
/// place is free, the first in the <see cref="HttpPlace.Order"/> of displacement loses its place.
/// </summary>
/// <param name="places">The maximum number of connections.</param>
/// <param name="time">The clock for waiting times.</param>
internal sealed class HttpGate(int places, TimeProvider time)
{
    /// <summary>One address may hold half of all places.</summary>
    private const int ShareDivisor = 2;

    /// <summary>One eighth of all places is reserved for clients on this machine: its operators and its own checks.</summary>
    private const int LoopbackDivisor = 8;

    private readonly Lock _lock = new();
    private readonly HashSet<HttpPlace> _inside = [];
    private readonly Dictionary<IPAddress, int> _perAddress = [];
    private int _fromElsewhere;

    public int Places { get; } = places;

    /// <summary>The maximum number of places of one client, as counted by <see cref="ClientNetwork"/>.</summary>
    public int Share { get; } = places / ShareDivisor;

    /// <summary>The maximum number of places of all clients on other machines together.</summary>
    public int PlacesForElsewhere { get; } = places - (places / LoopbackDivisor);

    /// <summary>Takes a place for a connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="address">The client's address; null if unknown, which counts as another machine.</param>
    /// <param name="hasShare">
    /// Whether the address's share counts. False for a proxy, whose clients have shares of their own.
    /// </param>
    /// <param name="displaced">
    /// The place that was taken from another connection, if any; the caller must end that connection.
    /// </param>
    public HttpPlace Enter(ConnectionContext connection, IPAddress? address, bool hasShare, out HttpPlace? displaced)
    {
        var place = new HttpPlace(connection, isLocal: address is not null && IPAddress.IsLoopback(address), time);
        lock (_lock)
        {
            var network = hasShare ? ClientNetwork.Of(address) : null;
            displaced = IsShareTaken(network) ? FirstToGo(other => network!.Equals(other.Network))
                : HasRoomFor(place) ? null
                : (place.IsLocal ? null : FirstToGo(other => !other.IsLocal)) ?? FirstToGo(_ => true);
            Remove(displaced);
            Add(place, network);
            return place;
        }
    }

    /// <summary>Counts a place in its client's share, once the client's address is known.</summary>
    /// <param name="place">The place.</param>
    /// <param name="address">The client's address.</param>
    /// <param name="displaced">As in <see cref="Enter"/>.</param>
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

    /// <summary>Gives a place back; has no effect if another connection has taken it.</summary>
    public void Leave(HttpPlace place)
    {
        lock (_lock)
        {
            Remove(place);
        }
    }

    private bool HasRoomFor(HttpPlace place) => _inside.Count < Places && (place.IsLocal || _fromElsewhere < PlacesForElsewhere);

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
        // The last connection of an address removes the entry: addresses seen once are not kept.
        if (place.Network is { } network && --_perAddress[network] == 0)
        {
            _perAddress.Remove(network);
        }
    }
}
