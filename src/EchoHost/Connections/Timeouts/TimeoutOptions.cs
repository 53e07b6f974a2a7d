using EchoHost.Configuration;

namespace EchoHost.Connections.Timeouts;

/// <summary>How long a connection may make no progress; keys of the section <c>Echo:Limits</c>.</summary>
internal sealed record TimeoutOptions
{
    /// <summary>A connection on which no byte moves in either direction for this long is closed; zero is off.</summary>
    /// <remarks>Default: ten minutes.</remarks>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A connection whose client takes none of the bytes waiting for it for this long is aborted; zero is off.</summary>
    /// <remarks>Default: 30 seconds.</remarks>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public static TimeoutOptions Read(SectionReader section)
    {
        var fallback = new TimeoutOptions();
        return new TimeoutOptions
        {
            IdleTimeout = section.Time(nameof(IdleTimeout), fallback.IdleTimeout),
            WriteTimeout = section.Time(nameof(WriteTimeout), fallback.WriteTimeout),
        };
    }
}
