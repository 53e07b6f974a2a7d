using System.IO.Pipelines;

namespace EchoHost.Connections.Tls;

/// <summary>A connection's feature: the transport's own output, which TLS hides behind one of its own.</summary>
/// <param name="Output">Where the encrypted bytes go.</param>
internal sealed record TransportOutput(PipeWriter Output);
