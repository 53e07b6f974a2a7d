using EchoHost.Configuration;
using EchoHost.Descriptors;

namespace EchoHost.Connections.Admission;

/// <summary>How many connections fit, so that the process never runs out of descriptors.</summary>
/// <param name="Echo">All echo endpoints together.</param>
/// <param name="Http">The HTTP endpoint.</param>
/// <param name="Descriptors">The limit these were derived from; null where there is none.</param>
internal sealed record ConnectionCapacity(int Echo, int Http, int? Descriptors)
{
    private const string Key = "Echo:Limits:MaxConnections";

    /// <summary>How many event loops that provides for; each further one takes two descriptors.</summary>
    private const int FewLoops = 8;
    private const int DescriptorsPerLoop = 2;

    private const int MaxHttp = 256;

    /// <summary>Where no descriptor limit can be read.</summary>
    private const int Unlimited = 1_000_000;

    /// <param name="configured">What <c>Echo:Limits:MaxConnections</c> says.</param>
    /// <param name="descriptors">The descriptor limit, where there is one.</param>
    /// <param name="eventLoops">How many event loops there are.</param>
    /// <param name="forProbes">How many descriptors the probes of other peers take at the most.</param>
    /// <exception cref="ConfigurationException">More is configured than the descriptors allow; the message names both figures.</exception>
    public static ConnectionCapacity From(int? configured, int? descriptors, int eventLoops = FewLoops, int forProbes = 0)
    {
        var forOthers = (DescriptorsPerLoop * Math.Max(0, eventLoops - FewLoops)) + forProbes;
        if (descriptors is not { } limit)
        {
            return new ConnectionCapacity(configured ?? Unlimited, MaxHttp, null);
        }

        var http = Math.Clamp(limit / 16, DescriptorNeeds.MinHttp, MaxHttp);
        var most = limit - DescriptorNeeds.OfHost - forOthers - http;
        var least = DescriptorNeeds.MinForHost + forOthers;
        if (limit < least)
        {
            throw new ConfigurationException(
                $"{Key}: the limit of {limit} file descriptors leaves none for connections; raise it (ulimit -n) to {least} or more");
        }

        if (configured > most)
        {
            throw new ConfigurationException(
                $"{Key} is '{configured}', but the limit of {limit} file descriptors allows {most}; raise it (ulimit -n) or configure less");
        }

        return new ConnectionCapacity(configured ?? most, http, limit);
    }
}
