using System.Collections.Concurrent;
using EchoHost.Endpoints;

namespace EchoHost.Connections.Tls;

/// <summary>One certificate an endpoint, however many addresses it listens on.</summary>
internal sealed class ServerCertificates(TimeProvider time, ILogger<ServerCertificate> logger) : IDisposable
{
    private readonly ConcurrentDictionary<string, ServerCertificate> _byEndpoint = new(StringComparer.Ordinal);

    public ServerCertificate For(EchoEndpoint endpoint) => _byEndpoint.GetOrAdd(endpoint.Name, _ => new ServerCertificate(endpoint, time, logger));

    public void Dispose()
    {
        foreach (var certificate in _byEndpoint.Values)
        {
            certificate.Dispose();
        }
    }
}
