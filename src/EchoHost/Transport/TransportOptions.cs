using EchoHost.Configuration;
using Kestrel.Epoll;

namespace EchoHost.Transport;

/// <summary>The transport of the raw endpoints; keys of the section <c>Echo</c>.</summary>
internal sealed record TransportOptions
{
    private const int MaxEventLoops = 1024;

    /// <summary>The transport to use.</summary>
    /// <remarks>Default: <c>Auto</c>.</remarks>
    public TransportKind Transport { get; init; }

    /// <summary>The number of event loops of the epoll transport.</summary>
    /// <remarks>Default: one for each core.</remarks>
    public int EventLoops { get; init; } = Environment.ProcessorCount;

    /// <summary>Whether the epoll transport is used.</summary>
    public bool IsEpoll => Transport != TransportKind.Sockets && EpollTransport.IsSupported;

    public static TransportOptions Read(SectionReader section)
    {
        var fallback = new TransportOptions();
        var transport = section.Choice(nameof(Transport), fallback.Transport);
        if (transport == TransportKind.Epoll && !EpollTransport.IsSupported)
        {
            section.Report(nameof(Transport), "is 'Epoll', which only Linux has; expected Auto or Sockets");
        }

        return new TransportOptions
        {
            Transport = transport,
            EventLoops = section.OptionalNumber(nameof(EventLoops), min: 1, max: MaxEventLoops) ?? fallback.EventLoops,
        };
    }
}
