using System.Net;
using EchoHost.Connections.Admission;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Endpoints;
using EchoHost.Lifetime;

namespace EchoHost.Hosting;

/// <summary>Logs where the host listens and how many connections it admits, once it has started.</summary>
internal sealed partial class StartupLines(
    ListenEndpoints endpoints, ConnectionCapacity capacity, ProxyHeaderOptions proxyHeaders, BoundEndpoints bound, ILogger<StartupLines> logger)
    : LifecycleService
{
    public override Task StartedAsync(CancellationToken cancellationToken)
    {
        foreach (var endpoint in endpoints.Raw)
        {
            foreach (var address in bound.Of(endpoint))
            {
                if (address is IPEndPoint ip)
                {
                    Listening(logger, ip.Port, endpoint.Name, endpoint.Url);
                }
                else
                {
                    ListeningOnPath(logger, address.ToString()!, endpoint.Name);
                }
            }
        }

        var waiting = endpoints.Raw.Where(e => e.ProxyProtocol != ProxyProtocolMode.Off).Select(e => e.Name).ToList();
        if (waiting.Count > 0 && proxyHeaders.TrustedProxies.IsEmpty)
        {
            NobodyTrusted(logger, string.Join(", ", waiting));
        }

        Http(logger, string.Join(", ", bound.HttpUrls));
        if (capacity.Descriptors is { } descriptors)
        {
            Capacity(logger, capacity.Echo, descriptors);
        }
        else
        {
            CapacityWithoutLimit(logger, capacity.Echo);
        }

        return Task.CompletedTask;
    }

    // Parameters that the message does not use become properties of the event under their own names, hence the upper case.
#pragma warning disable SYSLIB1015
    [LoggerMessage(1, LogLevel.Information, "Listening for connections on port {Port}")]
    private static partial void Listening(ILogger logger, int port, string Endpoint, string Url);

    [LoggerMessage(2, LogLevel.Information, "Listening for connections on unix:{Path:l}")]
    private static partial void ListeningOnPath(ILogger logger, string path, string Endpoint);
#pragma warning restore SYSLIB1015

    [LoggerMessage(6, LogLevel.Warning, "Echo:TrustedProxies is empty: no PROXY header is believed on {Endpoints:l}")]
    private static partial void NobodyTrusted(ILogger logger, string endpoints);

    [LoggerMessage(3, LogLevel.Information, "Health, metrics and connections are served on {Urls:l}")]
    private static partial void Http(ILogger logger, string urls);

    [LoggerMessage(4, LogLevel.Information, "Up to {MaxConnections} connections are let in (the limit is {Descriptors} file descriptors)")]
    private static partial void Capacity(ILogger logger, int maxConnections, int descriptors);

    [LoggerMessage(5, LogLevel.Information, "Up to {MaxConnections} connections are let in")]
    private static partial void CapacityWithoutLimit(ILogger logger, int maxConnections);
}
