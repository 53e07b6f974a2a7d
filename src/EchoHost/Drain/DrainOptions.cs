using EchoHost.Configuration;

namespace EchoHost.Drain;

/// <summary>The section <c>Echo:Shutdown</c>.</summary>
internal sealed record DrainOptions
{
    public const string SectionName = "Shutdown";

    /// <summary>How long the host is unready but still accepts, so that load balancers notice.</summary>
    /// <remarks>Default: zero.</remarks>
    public TimeSpan ReadinessDelay { get; init; } = TimeSpan.Zero;

    /// <summary>How long busy connections may continue.</summary>
    /// <remarks>Default: 20 seconds.</remarks>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The time over which the closing of quiet connections is spread.</summary>
    /// <remarks>Default: one second.</remarks>
    public TimeSpan CloseSpread { get; init; } = TimeSpan.FromSeconds(1);

    public static DrainOptions Read(SectionReader section)
    {
        var fallback = new DrainOptions();
        return new DrainOptions
        {
            ReadinessDelay = section.Time(nameof(ReadinessDelay), fallback.ReadinessDelay),
            GracePeriod = section.Time(nameof(GracePeriod), fallback.GracePeriod),
            CloseSpread = section.Time(nameof(CloseSpread), fallback.CloseSpread),
        };
    }
}
