namespace EchoHost.Transport;

/// <summary>The transport of the raw endpoints.</summary>
internal enum TransportKind
{
    /// <summary>Epoll if the system has it, otherwise sockets.</summary>
    Auto,

    /// <summary>The Kestrel.Epoll transport, on Linux.</summary>
    Epoll,

    /// <summary>Kestrel's own transport.</summary>
    Sockets,
}
