using System.IO.Pipelines;

namespace EchoHost.Connections.Tls;

/// <summary>A connection's feature: the transport's own pipes, which TLS hides behind its own.</summary>
/// <param name="Pipes">Where the encrypted bytes come from and go.</param>
internal sealed record InnerTransport(IDuplexPipe Pipes);
