using System.IO.Pipelines;

namespace EchoHost.Connections.Tls;

/// <summary>A feature of a TLS connection: the transport's own pipes, which TLS replaces with its own.</summary>
/// <param name="Pipes">The pipes that carry the encrypted bytes.</param>
internal sealed record InnerTransport(IDuplexPipe Pipes);
