namespace EchoHost.Transport;

/// <summary>What carries the bytes of the echo endpoints.</summary>
internal enum TransportKind
{
    /// <summary>Epoll where there is one, else sockets.</summary>
    Auto,

    /// <summary>The host's own transport, on Linux.</summary>
    Epoll,

    /// <summary>Kestrel's own.</summary>
    Sockets,
}
