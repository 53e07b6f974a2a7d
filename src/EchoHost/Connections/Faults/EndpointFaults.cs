using System.Net;

namespace EchoHost.Connections.Faults;

/// <summary>The faults of one endpoint at this moment, and the choice of the connections that get them.</summary>
/// <param name="configured">The faults of the configuration; null if it has none.</param>
/// <param name="time">The clock.</param>
internal sealed class EndpointFaults(FaultOptions? configured, TimeProvider time)
{
    private volatile Setting _setting = new(configured, null, RandomOf(configured));

    /// <summary>The faults that new connections get; null if there are none.</summary>
    public FaultOptions? Current => Now().Options;

    /// <summary>When the current faults end by themselves; null if they do not.</summary>
    public DateTimeOffset? Until => Now().Until;

    /// <summary>Whether no connection can get a fault; the same as <see cref="Current"/> being null, but does not look at the clock.</summary>
    public bool AreNone => _setting.Options is null;

    /// <summary>Sets the faults of new connections for a time; afterwards those of the configuration hold again.</summary>
    public void Set(FaultOptions options, TimeSpan duration) => _setting = new Setting(options, time.GetUtcNow() + duration, RandomOf(options));

    /// <summary>Ends all faults, those of the configuration too.</summary>
    public void Clear() => _setting = new Setting(null, null, Random.Shared);

    /// <summary>Decides whether a new connection gets the faults.</summary>
    /// <param name="client">The client's address; null for the client of a Unix socket.</param>
    /// <returns>The faults, and a seed for the connection's own choices; null if it gets none.</returns>
    public (FaultOptions Options, int Seed)? Choose(IPAddress? client)
    {
        var setting = Now();
        if (setting.Options is not { } options || !options.Concerns(client))
        {
            return null;
        }

        lock (setting)
        {
            // Always two numbers, so that a seed gives the same choices whatever the share.
            var (chance, seed) = (setting.Random.NextDouble(), setting.Random.Next());
            return chance < options.Share ? (options, seed) : null;
        }
    }

    /// <summary>The setting that holds now; replaces one that has ended.</summary>
    private Setting Now()
    {
        var setting = _setting;
        if (setting.Until is not { } until || time.GetUtcNow() < until)
        {
            return setting;
        }

        // Another thread may have replaced it meanwhile; that one holds then.
        Interlocked.CompareExchange(ref _setting, new Setting(configured, null, RandomOf(configured)), setting);
        return _setting;
    }

    private static Random RandomOf(FaultOptions? options) => options?.Seed is { } seed ? new Random(seed) : new Random();

    private sealed record Setting(FaultOptions? Options, DateTimeOffset? Until, Random Random);
}
