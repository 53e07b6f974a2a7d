using EchoHost.Peers;
using EchoHost.Peers.Mesh;

namespace EchoHost.Tests.Peers.Mesh;

public class PeerTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 22, 10, 0, 0, TimeSpan.FromHours(2));

    private static readonly Probe Ok = Probe.Answered(TimeSpan.FromMilliseconds(1.5));
    private static readonly Probe Refused = Probe.Failed(new PeerException(ProbeResult.Refused, "Connection refused"));
    private static readonly Probe Silent = Probe.Failed(new PeerException(ProbeResult.Timeout, "0 of 64 bytes came back within 5 s"));
    private static readonly Probe TurnedAway = Probe.Failed(new PeerException(ProbeResult.Closed, "turned away") { IsTurnedAway = true });
    private static readonly Probe Closed = Probe.Failed(new PeerException(ProbeResult.Closed, "closed by the peer after 3 of 64 bytes"));

    private readonly Peer _peer = new(new PeerTarget("10.0.0.2", 5555, IsTls: false), PeerSource.Targets);
    private readonly List<(Peer Peer, Probe Probe)> _counted = [];

    [Fact]
    public void Before_its_first_probe_nothing_is_known()
    {
        Assert.Equal(PeerState.Unknown, _peer.State);
        Assert.Equal(
            new PeerDescription(
                "10.0.0.2:5555",
                "Targets",
                false,
                false,
                "unknown",
                null,
                null,
                null,
                null,
                0,
                0,
                0,
                new RoundTripSummary(null, null, null, null, null)),
            _peer.Describe());
    }

    [Fact]
    public void It_comes_up_and_stays_up_without_a_word()
    {
        Assert.Equal(PeerState.Unknown, Record(0, Ok)?.Before);
        Assert.Equal(PeerState.Up, _peer.State);
        Assert.Null(Record(1, Ok));
        Assert.Null(Record(2, Ok));
        Assert.Equal(3, _peer.ProbesOf(ProbeResult.Ok));
    }

    [Fact]
    public void Its_first_probe_fails()
    {
        var change = Record(0, Refused)!.Value;
        Assert.Equal((PeerState.Unknown, PeerState.Down), (change.Before, change.Now));
        Assert.Null(Record(10, Refused));
        Assert.Equal(new PeerChange(PeerState.Down, PeerState.Up, TimeSpan.FromSeconds(20)), Record(20, Ok));
    }

    [Fact]
    public void It_goes_down_once_and_comes_back_after_the_time_it_was_away()
    {
        Record(0, Ok);
        Assert.Equal(new PeerChange(PeerState.Up, PeerState.Down, TimeSpan.FromSeconds(10)), Record(10, Refused));
        Assert.Null(Record(20, Refused));
        Assert.Null(Record(30, Refused));
        Assert.Equal(new PeerChange(PeerState.Down, PeerState.Up, TimeSpan.FromSeconds(25)), Record(35, Ok));
        Assert.Equal(new PeerChange(PeerState.Up, PeerState.Down, TimeSpan.FromSeconds(5)), Record(40, Refused));
    }

    [Fact]
    public void Another_reason_is_a_change_but_away_is_away_from_the_first_failure()
    {
        Record(0, Ok);
        Record(10, Refused);
        Assert.Equal(new PeerChange(PeerState.Down, PeerState.Down, TimeSpan.FromSeconds(2)), Record(12, Silent));
        Assert.Null(Record(13, Silent));
        Assert.Equal(new PeerChange(PeerState.Down, PeerState.TurnsAway, TimeSpan.FromSeconds(4)), Record(14, TurnedAway));
        Assert.Null(Record(15, TurnedAway));
        Assert.Equal(PeerState.TurnsAway, _peer.State);
        Assert.Equal(new PeerChange(PeerState.TurnsAway, PeerState.Up, TimeSpan.FromSeconds(60)), Record(70, Ok));
    }

    [Fact]
    public void Closing_is_not_turning_away_though_both_are_of_one_class()
    {
        Record(0, TurnedAway);
        Assert.Equal(new PeerChange(PeerState.TurnsAway, PeerState.Down, TimeSpan.FromSeconds(1)), Record(1, Closed));
        Assert.Equal(new PeerChange(PeerState.Down, PeerState.TurnsAway, TimeSpan.FromSeconds(2)), Record(2, TurnedAway));
        Assert.Equal(3, _peer.ProbesOf(ProbeResult.Closed));
    }

    [Fact]
    public void Every_probe_is_counted_by_its_class()
    {
        foreach (var (probe, second) in new[] { Ok, Ok, Refused, Silent, TurnedAway, Closed, Ok }.Select((probe, i) => (probe, i)))
        {
            Record(second, probe);
        }

        Assert.Equal([3, 0, 1, 0, 1, 0, 2, 0, 0, 0], Enum.GetValues<ProbeResult>().Select(_peer.ProbesOf));
        Assert.Equal(7, _counted.Count);
        Assert.All(_counted, c => Assert.Same(_peer, c.Peer));
        Assert.Equal(
            new PeerDescription(
                "10.0.0.2:5555",
                "Targets",
                false,
                true,
                "up",
                Start.AddSeconds(6).UtcDateTime,
                "ok",
                null,
                Start.AddSeconds(6).UtcDateTime,
                7,
                4,
                57.143,
                new RoundTripSummary(1.5, 1.5, 1.5, 1.5, 1.5)),
            _peer.Describe());
        Assert.Equal(DateTimeKind.Utc, _peer.Describe().LastProbe?.Kind);
    }

    [Fact]
    public void The_last_error_is_that_of_the_last_probe()
    {
        Record(0, Silent);
        Assert.Equal(
            ("timeout", "0 of 64 bytes came back within 5 s", "down"),
            (_peer.Describe().LastResult, _peer.Describe().LastError, _peer.Describe().State));
        Record(1, TurnedAway);
        Assert.Equal(
            ("closed", "turned away", "turnsAway", false),
            (_peer.Describe().LastResult, _peer.Describe().LastError, _peer.Describe().State, _peer.Describe().Up));
        Record(2, Ok);
        Assert.Equal(("ok", null), (_peer.Describe().LastResult, _peer.Describe().LastError));
    }

    [Fact]
    public void One_that_is_forgotten_counts_nothing()
    {
        Record(0, Ok);
        _peer.Forget();
        Assert.Null(Record(1, Refused));
        Assert.Equal(PeerState.Up, _peer.State);
        Assert.Equal(1, _peer.Describe().Probes);
        Assert.Single(_counted);
    }

    private PeerChange? Record(int second, Probe probe) => _peer.Record(probe, Start.AddSeconds(second), (peer, counted) => _counted.Add((peer, counted)));
}
