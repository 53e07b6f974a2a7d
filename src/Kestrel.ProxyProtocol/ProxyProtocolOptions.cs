using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// How a listener handles PROXY headers. Must not change once the listener is built; listeners may share one object.
/// </summary>
public sealed class ProxyProtocolOptions
{
    /// <summary>Whether a trusted proxy's connection must start with a header.</summary>
    /// <remarks>Default: <see cref="ProxyHeaderMode.Required"/>.</remarks>
    public ProxyHeaderMode Mode { get; set; } = ProxyHeaderMode.Required;

    /// <summary>
    /// The networks whose headers are trusted. An IPv4 address that the listener maps into IPv6 counts as IPv4. A
    /// connection without an IP address, such as that of a Unix socket, is trusted: the permissions of the socket's file
    /// decide which processes connect.
    /// </summary>
    /// <remarks>Default: none, so that no header is trusted.</remarks>
    public IList<IPNetwork> TrustedProxies { get; } = [];

    /// <summary>Decides whether a connection comes from a trusted proxy, instead of <see cref="TrustedProxies"/>.</summary>
    /// <remarks>Default: null; <see cref="TrustedProxies"/> decides.</remarks>
    public Func<ConnectionContext, bool>? IsTrustedProxy { get; set; }

    /// <summary>
    /// Selects connections that skip this middleware in either mode, such as the server's own probes. The observer is not
    /// called.
    /// </summary>
    /// <remarks>Default: null, for none.</remarks>
    public Func<ConnectionContext, bool>? IsExempt { get; set; }

    /// <summary>
    /// How long the whole header may take, from the start of the connection, or from the first byte if
    /// <see cref="FirstByteTimeout"/> is set, to the last byte of the header.
    /// </summary>
    /// <remarks>Default: 5 seconds. <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</remarks>
    public TimeSpan HeaderTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the first byte may take, for protocols whose clients may be silent at first. With
    /// <see cref="ProxyHeaderMode.Optional"/> the first byte starts the header, and some balancers send it only with the
    /// client's first data.
    /// </summary>
    /// <remarks>Default: null; <see cref="HeaderTimeout"/> counts from the start of the connection.</remarks>
    public TimeSpan? FirstByteTimeout { get; set; }

    /// <summary>Once cancelled, usually when the server stops, connections that still wait for a header are rejected.</summary>
    /// <remarks>Default: never cancelled.</remarks>
    public CancellationToken Stopping { get; set; }

    /// <summary>Called for each header, and for each rejected connection.</summary>
    /// <remarks>Default: null.</remarks>
    public IProxyProtocolObserver? Observer { get; set; }

    /// <summary>The clock for the timeouts.</summary>
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

        // The range of timers, in milliseconds (CancellationTokenSource.CancelAfter).
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
