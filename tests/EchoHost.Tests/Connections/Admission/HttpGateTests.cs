using System.Net;
using EchoHost.Connections.Admission;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Connections.Admission;

/// <summary>Which connections have a place at the HTTP endpoint, and which are displaced.</summary>
public class HttpGateTests
{
    private const int Places = 16;

    private readonly FakeTimeProvider _time = new();
    private readonly HttpGate _gate;

    public HttpGateTests() => _gate = new HttpGate(Places, _time);

    [Fact]
    public void A_place_given_back_is_free()
    {
        var places = Enumerable.Range(0, _gate.Share).Select(_ => Enter("192.0.2.1")).ToList();
        _gate.Leave(places[3]);
        Assert.Null(Enter("192.0.2.1", out _));
    }

    [Fact]
    public void An_address_that_has_its_share_displaces_only_itself()
    {
        var other = Enter("192.0.2.2");
        var first = Enter("192.0.2.1");
        for (var i = 1; i < _gate.Share; i++)
        {
            Enter("192.0.2.1");
        }

        Assert.Same(first, Enter("192.0.2.1", out _));
        Assert.Null(Enter("192.0.2.2", out _));
        Assert.DoesNotContain(other, new[] { Enter("192.0.2.1", out _), Enter("192.0.2.1", out _) });
    }

    [Fact]
    public void A_client_without_an_address_is_not_one_of_this_machine_and_has_no_more_than_a_share()
    {
        Enter("127.0.0.1");
        HttpPlace? first = null;
        for (var i = 0; i < _gate.Share; i++)
        {
            var place = _gate.Enter(new DefaultConnectionContext(), null, hasShare: true, out _);
            Assert.False(place.IsLocal);
            first ??= place;
        }

        _gate.Enter(new DefaultConnectionContext(), null, hasShare: true, out var displaced);
        Assert.Same(first, displaced);
    }

    [Fact]
    public void Clients_on_this_machine_always_find_places()
    {
        for (var i = 0; i < Places; i++)
        {
            Enter($"192.0.2.{i}");
        }

        // Clients from elsewhere have displaced each other; local ones displace none.
        for (var i = 0; i < Places - _gate.PlacesForElsewhere; i++)
        {
            Assert.Null(Enter("127.0.0.1", out _));
        }

        Assert.NotNull(Enter("::1", out _));
    }

    [Fact]
    public void Who_comes_from_elsewhere_does_not_displace_a_client_on_this_machine()
    {
        var local = Enter("127.0.0.1");
        for (var i = 0; i < 3 * Places; i++)
        {
            Assert.NotSame(local, Enter($"192.0.2.{i}", out _));
        }
    }

    [Fact]
    public void Clients_on_this_machine_keep_what_they_have_beyond_their_eighth()
    {
        for (var i = 0; i < Places / 2; i++)
        {
            Enter("127.0.0.1");
        }

        var elsewhere = Enumerable.Range(0, Places - (Places / 2)).Select(i => Enter($"192.0.2.{i}")).ToList();
        Assert.Same(elsewhere[0], Enter("198.51.100.1", out _));
    }

    [Fact]
    public void Where_all_places_belong_to_this_machine_one_of_its_clients_gives_way()
    {
        var first = Enter("127.0.0.1");
        for (var i = 1; i < Places; i++)
        {
            Enter($"127.0.0.{1 + i}");
        }

        Assert.Same(first, Enter("192.0.2.1", out _));
    }

    [Fact]
    public void The_one_that_has_waited_the_longest_gives_way()
    {
        var places = Enumerable.Range(0, _gate.PlacesForElsewhere).Select(i => Enter($"192.0.2.{i}")).ToList();
        places[0].HostsTurn();
        places[1].HostsTurn();
        _time.Advance(TimeSpan.FromSeconds(1));
        places[1].ClientsTurn();
        Assert.Same(places[2], Enter("192.0.2.100", out _));
        Assert.Same(places[3], Enter("192.0.2.101", out _));
    }

    [Fact]
    public void Of_those_that_are_being_answered_the_one_that_takes_the_longest_gives_way()
    {
        var places = Enumerable.Range(0, _gate.PlacesForElsewhere).Select(i => Enter($"192.0.2.{i}")).ToList();
        foreach (var place in places.AsEnumerable().Reverse())
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            place.HostsTurn();
        }

        Assert.Same(places[^1], Enter("192.0.2.100", out _));
    }

    [Fact]
    public void One_that_has_just_connected_stays_though_all_others_are_being_answered()
    {
        var places = Enumerable.Range(0, _gate.PlacesForElsewhere - 1).Select(i => Enter($"192.0.2.{i}")).ToList();
        places.ForEach(place => place.HostsTurn());
        _time.Advance(TimeSpan.FromMilliseconds(100));
        var probe = Enter("192.0.2.100");
        Assert.Same(places[0], Enter("192.0.2.101", out _));
        // It is safe until it keeps the host waiting.
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Same(probe, Enter("192.0.2.102", out _));
    }

    [Fact]
    public void One_that_has_stopped_reading_gives_way_to_one_that_has_waited_longer_for_its_answer()
    {
        var probe = Enter("192.0.2.100");
        probe.HostsTurn();
        var answered = Enter("192.0.2.101");
        answered.HostsTurn();
        answered.ClientsTurn();
        var places = Enumerable.Range(0, _gate.PlacesForElsewhere - 2).Select(i => Enter($"192.0.2.{i}")).ToList();
        places.ForEach(place => place.HostsTurn());
        var turns = places.ConvertAll(place => place.Block());
        _time.Advance(TimeSpan.FromMilliseconds(100));
        places[0].Unblock(turns[0]);
        Assert.Same(places[1], Enter("192.0.2.102", out _));
        // Once they read again, the turns count alike.
        for (var i = 2; i < places.Count; i++)
        {
            places[i].Unblock(turns[i]);
        }

        Assert.Same(probe, Enter("192.0.2.103", out _));
        Assert.Same(answered, Enter("192.0.2.104", out _));
    }

    [Fact]
    public void A_block_that_ended_late_does_not_end_the_next_turn()
    {
        var place = Enter("192.0.2.1");
        place.HostsTurn();
        var turns = place.Block();
        _time.Advance(TimeSpan.FromSeconds(1));
        place.HostsTurn();
        var next = place.Order;
        place.Unblock(turns);
        Assert.Equal(next, place.Order);
    }

    [Fact]
    public void After_a_block_the_turn_is_what_it_was()
    {
        var place = Enter("192.0.2.1");
        place.HostsTurn();
        place.ClientsTurn();
        place.HostsTurn();
        var (again, _) = place.Order;
        place.Unblock(place.Block());
        Assert.Equal(again, place.Order.Group);
        place.ClientsTurn();
        _time.Advance(TimeSpan.FromMilliseconds(100));
        place.HostsTurn();
        place.ClientsTurn();
        var (answered, _) = place.Order;
        place.Unblock(place.Block());
        Assert.Equal(answered, place.Order.Group);
        Assert.NotEqual(again, answered);
    }

    [Fact]
    public void Those_that_ask_again_and_again_give_way_to_one_that_waits_for_its_first_answer()
    {
        var silent = Enter("192.0.2.100");
        var asking = Enter("192.0.2.101");
        asking.HostsTurn();
        var places = Enumerable.Range(0, _gate.PlacesForElsewhere - 2).Select(i => Enter($"192.0.2.{i}")).ToList();
        for (var requests = 0; requests < 8; requests++)
        {
            places.ForEach(place => place.HostsTurn());
            _time.Advance(TimeSpan.FromMilliseconds(50));
            places.ForEach(place => place.ClientsTurn());
        }

        Assert.Same(places[0], Enter("192.0.2.102", out _));
        places.ForEach(place => place.HostsTurn());
        Assert.Same(places[1], Enter("192.0.2.105", out _));
        // Those that ask again after a while count like all others.
        places.ForEach(place => place.ClientsTurn());
        _time.Advance(TimeSpan.FromMilliseconds(100));
        places.ForEach(place => place.HostsTurn());
        Assert.Same(silent, Enter("192.0.2.103", out _));
        Assert.Same(asking, Enter("192.0.2.104", out _));
    }

    [Fact]
    public void Behind_a_proxy_the_share_is_the_clients()
    {
        HttpPlace Enter() => _gate.Enter(new DefaultConnectionContext(), IPAddress.Loopback, hasShare: false, out _);
        var client = IPAddress.Parse("203.0.113.7");
        var first = Enter();
        _gate.EnterShare(first, client, out _);
        for (var i = 1; i < _gate.Share; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _gate.EnterShare(Enter(), client, out var none);
            Assert.Null(none);
        }

        _gate.EnterShare(Enter(), IPAddress.Parse("203.0.113.8"), out var displaced);
        Assert.Null(displaced);
        _gate.EnterShare(Enter(), client, out displaced);
        Assert.Same(first, displaced);
    }

    private HttpPlace Enter(string address)
    {
        _time.Advance(TimeSpan.FromMilliseconds(1));
        return _gate.Enter(new DefaultConnectionContext(), IPAddress.Parse(address), hasShare: true, out _);
    }

    /// <summary>Enters a connection; returns the displaced one.</summary>
    private HttpPlace? Enter(string address, out HttpPlace place)
    {
        _time.Advance(TimeSpan.FromMilliseconds(1));
        place = _gate.Enter(new DefaultConnectionContext(), IPAddress.Parse(address), hasShare: true, out var displaced);
        return displaced;
    }
}
