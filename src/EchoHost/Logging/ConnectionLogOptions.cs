using EchoHost.Configuration;

namespace EchoHost.Logging;

/// <summary>Which lines about connections and their messages are logged; keys of the section <c>Echo</c>.</summary>
internal sealed record ConnectionLogOptions
{
    /// <summary>Whether each message is logged.</summary>
    /// <remarks>Default: true.</remarks>
    public bool LogMessages { get; init; } = true;

    /// <summary>The maximum number of lines of one kind per second.</summary>
    /// <remarks>Default: 100.</remarks>
    public int MessageLogLimit { get; init; } = 100;

    public static ConnectionLogOptions Read(SectionReader section)
    {
        var fallback = new ConnectionLogOptions();
        return new ConnectionLogOptions
        {
            LogMessages = section.Flag(nameof(LogMessages), fallback.LogMessages),
            MessageLogLimit = section.Number(nameof(MessageLogLimit), fallback.MessageLogLimit),
        };
    }
}
