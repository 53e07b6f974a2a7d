using System.Collections.Concurrent;

namespace EchoHost.Connections.Tls;

/// <summary>The certificates by endpoint. All addresses of an endpoint share one.</summary>
internal sealed class ServerCertificates(TimeProvider time, ILogger<ServerCertificate> logger) : IDisposable
{
    private readonly ConcurrentDictionary<string, ServerCertificate> _byEndpoint = new(StringComparer.Ordinal);

    public ServerCertificate For(string endpoint, TlsOptions options) =>
        _byEndpoint.GetOrAdd(endpoint, name => new ServerCertificate(name, options, time, logger));

    public void Dispose()
    {
        foreach (var certificate in _byEndpoint.Values)
        {
            certificate.Dispose();
        }
    }
}
