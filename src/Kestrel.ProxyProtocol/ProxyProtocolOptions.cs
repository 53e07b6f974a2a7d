using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.ProxyProtocol;

/// <summary>How a listener takes PROXY headers. Not to be changed once the listener is built; one object may serve many.</summary>
public sealed class ProxyProtocolOptions
{
    /// <summary>Whether a trusted proxy's connection must begin with a header.</summary>
    /// <remarks>Default: <see cref="ProxyHeaderMode.Required"/>.</remarks>
    public ProxyHeaderMode Mode { get; set; } = ProxyHeaderMode.Required;

    /// <summary>
    /// The networks whose headers are believed. IPv4 addresses count as such where the listener maps them into IPv6. A
    /// connection without an IP address, such as that of a Unix socket, is trusted: its file's permissions decide.
    /// </summary>
    /// <remarks>Default: none, so that no header is believed.</remarks>
    public IList<IPNetwork> TrustedProxies { get; } = [];

    /// <summary>Decides in place of <see cref="TrustedProxies"/> whether a connection comes from a trusted proxy.</summary>
    /// <remarks>Default: null, and <see cref="TrustedProxies"/> decides.</remarks>
    public Func<ConnectionContext, bool>? IsTrustedProxy { get; set; }

    /// <summary>Connections that pass as they are, in either mode, such as the server's own probes. The observer is not told of them.</summary>
    /// <remarks>Default: null, none.</remarks>
    public Func<ConnectionContext, bool>? IsExempt { get; set; }

    /// <summary>
    /// How long the whole header may take. It counts from the connection's start, or from the first byte where
    /// <see cref="FirstByteTimeout"/> is set, and is lifted with the header's last byte.
    /// </summary>
    /// <remarks>Default: 5 seconds. <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</remarks>
    public TimeSpan HeaderTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the first byte may take, for protocols whose clients may be silent at first: with
    /// <see cref="ProxyHeaderMode.Optional"/> no header has begun before it, and some balancers send theirs only with the
    /// client's first data.
    /// </summary>
    /// <remarks>Default: null, and <see cref="HeaderTimeout"/> counts from the connection's start.</remarks>
    public TimeSpan? FirstByteTimeout { get; set; }

    /// <summary>Once cancelled, as when the server stops, headers are no longer waited for: those connections end.</summary>
    /// <remarks>Default: never cancelled.</remarks>
    public CancellationToken Stopping { get; set; }

    /// <summary>Told of each header, and of each connection that is turned away.</summary>
    /// <remarks>Default: null.</remarks>
    public IProxyProtocolObserver? Observer { get; set; }

    /// <summary>The clock of the timeouts.</summary>
    /// <remarks>Default: the system's.</remarks>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal void Validate()
    {
        Check(HeaderTimeout, nameof(HeaderTimeout));
        Check(FirstByteTimeout ?? HeaderTimeout, nameof(FirstByteTimeout));
        ArgumentNullException.ThrowIfNull(TimeProvider);
        if (!Enum.IsDefined(Mode))
        {
            throw new ArgumentOutOfRangeException(nameof(Mode), Mode, "Expected Required or Optional.");
        }

        // What timers can count, in milliseconds (CancellationTokenSource.CancelAfter).
        static void Check(TimeSpan time, string name)
        {
            if (time != Timeout.InfiniteTimeSpan && (time <= TimeSpan.Zero || time.TotalMilliseconds >= uint.MaxValue - 1))
            {
                throw new ArgumentOutOfRangeException(name, time, "Expected more than zero and less than 49 days, or Timeout.InfiniteTimeSpan.");
            }
        }
    }

    internal bool IsTrusted(ConnectionContext connection)
    {
        if (IsTrustedProxy is not null)
        {
            return IsTrustedProxy(connection);
        }

        if (connection.RemoteEndPoint is not IPEndPoint { Address: var address })
        {
            return true;
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (var network in TrustedProxies)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
