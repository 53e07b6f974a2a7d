using System.Net;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Http;

public class HttpAdmissionTests
{
    [Fact]
    public async Task HTTP_connections_are_limited_too()
    {
        await using var host = await EchoHostFixture.StartAsync();
        var limit = ((EchoHost.Configuration.HostSettings)host.Services.GetService(typeof(EchoHost.Configuration.HostSettings))!).Capacity.Http;
        var target = new IPEndPoint(IPAddress.Loopback, host.Http.BaseAddress!.Port);
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i < limit; i++)
            {
                clients.Add(await EchoClient.ConnectAsync(target));
            }

            await EchoClient.ExpectTurnedAwayAsync(target);
            await Wait.UntilAsync(() => host.Log.Lines.Any(l => l.EndsWith($"turned away: the limit of {limit} HTTP connections is reached", StringComparison.Ordinal)), "the host says so");

            // The echo is not concerned.
            using var peer = await host.ConnectAsync();
            await peer.EchoAsync("hello");
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }
}
