using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Echo;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace EchoHost.Transport;

/// <summary>Tells Kestrel what to listen on: every echo endpoint with its chain, and the HTTP addresses.</summary>
internal sealed class KestrelSetup(HostSettings settings, BoundEndpoints bound) : IConfigureOptions<KestrelServerOptions>, IConfigureOptions<SocketTransportOptions>
{
    /// <summary>The kernel caps it at net.core.somaxconn (listen(2)).</summary>
    private const int Backlog = 4096;

    /// <summary>
    /// What one connection's pipe holds of what its peer sent, and of what its peer does not take. A read returns up to
    /// the first, which is copied behind the second, so that a connection stays far below 1 MiB.
    /// </summary>
    private const long MaxReadBuffer = 128 * 1024;
    private const long MaxWriteBuffer = 64 * 1024;

    public void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        foreach (var endpoint in settings.Endpoints)
        {
            foreach (var address in endpoint.Addresses)
            {
                kestrel.Listen(address, listen => bound.Add(endpoint, listen).UseEcho(endpoint.Name));
            }
        }

        var gate = new ConnectionGate(settings.Capacity.Http, maxPerAddress: null);
        foreach (var address in settings.HttpAddresses)
        {
            address.Listen(kestrel, listen => bound.Add(address, listen).UseHttpAdmission(gate));
        }
    }

    public void Configure(SocketTransportOptions sockets)
    {
        sockets.Backlog = Backlog;
        sockets.MaxReadBufferSize = MaxReadBuffer;
        sockets.MaxWriteBufferSize = MaxWriteBuffer;
        sockets.CreateBoundListenSocket = endPoint => ListenSockets.Bind(endPoint, settings);
    }
}
