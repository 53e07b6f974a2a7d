using EchoHost.Configuration;
using EchoHost.Descriptors;

namespace EchoHost.Connections.Admission;

/// <summary>How many connections fit without the process running out of descriptors.</summary>
/// <param name="Echo">The maximum of all echo endpoints together.</param>
/// <param name="Http">The maximum of the HTTP endpoint.</param>
/// <param name="Descriptors">The descriptor limit behind these figures; null if there is none.</param>
internal sealed record ConnectionCapacity(int Echo, int Http, int? Descriptors)
{
    private const string Key = "Echo:Limits:MaxConnections";

    /// <summary>
    /// The number of event loops that <see cref="DescriptorNeeds.OfHost"/> includes; each further one takes two
    /// descriptors.
    /// </summary>
    private const int FewLoops = 8;
    private const int DescriptorsPerLoop = 2;

    private const int MaxHttp = 256;

    /// <summary>The default if the descriptor limit can't be read.</summary>
    private const int Unlimited = 1_000_000;

    /// <param name="configured">The value of <c>Echo:Limits:MaxConnections</c>.</param>
    /// <param name="descriptors">The descriptor limit, if there is one.</param>
    /// <param name="eventLoops">The number of event loops.</param>
    /// <param name="forProbes">The maximum number of descriptors that probes of peers take.</param>
    /// <exception cref="ConfigurationException">
    /// The descriptor limit does not allow the configured value; the message names both figures.
    /// </exception>
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
