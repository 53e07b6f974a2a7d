using System.Net;

namespace EchoHost.Peers.Who;

/// <summary>Counts which instances answered how many connections, how fast, and to which source addresses.</summary>
internal sealed class WhoTally : ConnectionTally
{
    /// <summary>The maximum number of names to keep: an endpoint that lies could give another one each time.</summary>
    private const int MaxInstances = 1000;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, InstanceTimes> _instances = new(StringComparer.Ordinal);
    private readonly Dictionary<IPAddress, HashSet<string>> _sources = [];
    private long _others;

    /// <summary>The number of connections that were answered.</summary>
    public long Answers { get; private set; }

    /// <summary>Counts an answer.</summary>
    /// <param name="visit">The connection and its answer.</param>
    /// <param name="source">The client's address as the balancer sees it; null if it is not known.</param>
    public void Answered(WhoVisit visit, IPAddress? source)
    {
        lock (_lock)
        {
            Answers++;
            if (!_instances.TryGetValue(visit.Reply.Instance, out var times))
            {
                if (_instances.Count == MaxInstances)
                {
                    _others++;
                    return;
                }

                _instances.Add(visit.Reply.Instance, times = new InstanceTimes());
            }

            times.Add(visit.Connection.Phases.Connect, visit.Took);
            if (source is null)
            {
                return;
            }

            if (!_sources.TryGetValue(source, out var met))
            {
                _sources.Add(source, met = new HashSet<string>(StringComparer.Ordinal));
            }

            met.Add(visit.Reply.Instance);
        }
    }

    /// <summary>Sums up the answers until now.</summary>
    public Spread ToSpread()
    {
        lock (_lock)
        {
            return new Spread(
                [.. _instances.Select(instance => instance.Value.Describe(instance.Key))],
                _others,
                _sources.Count,
                _sources.Values.Count(met => met.Count > 1));
        }
    }

    /// <summary>The times of one instance's connections.</summary>
    private sealed class InstanceTimes
    {
        private readonly List<TimeSpan> _connects = [];
        private readonly List<TimeSpan> _answers = [];

        public void Add(TimeSpan connect, TimeSpan answer)
        {
            _connects.Add(connect);
            _answers.Add(answer);
        }

        public InstanceShare Describe(string name) => new(name, _answers.Count, Percentiles.Of(_connects), Percentiles.Of(_answers));
    }
}
