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
        sockets.Backlog = EchoListenerFactory.Backlog;
        sockets.CreateBoundListenSocket = endPoint => ListenSockets.Bind(endPoint, settings);
    }
}
