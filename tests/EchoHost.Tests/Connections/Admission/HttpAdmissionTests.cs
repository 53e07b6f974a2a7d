using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Connections.Admission;
using EchoHost.Descriptors;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Connections.Admission;

/// <summary>
/// Probes get an answer, each over a new connection at the first try, whatever other connections the HTTP port has.
/// </summary>
public class HttpAdmissionTests
{
    private static readonly string[] Elsewhere = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];

    public static TheoryData<int, string> Crowds()
    {
        var data = new TheoryData<int, string>();
        foreach (var count in new[] { 256, 1000 })
        {
            const string begun = "POST /peers/x/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n";
            foreach (var first in new[] { "", "GET /health HTTP/1.1\r\nHost: ", begun })
            {
                data.Add(count, first);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Crowds))]
    public Task From_the_probes_own_address(int count, string sent) => AnswersAmongAsync(count, sent, [IPAddress.Loopback]);

    [Theory]
    [MemberData(nameof(Crowds))]
    public Task From_many_addresses(int count, string sent)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        return AnswersAmongAsync(count, sent, [IPAddress.Loopback, .. Elsewhere.Select(IPAddress.Parse)]);
    }

    [Theory]
    [InlineData(256)]
    [InlineData(1000)]
    public Task Among_clients_that_ask_and_never_read(int count) =>
        AnswersAmongAsync(
            count,
            string.Concat(Enumerable.Repeat("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 20)),
            [IPAddress.Loopback],
            receiveBuffer: 4096);

    [Fact]
    public async Task The_echo_is_not_concerned_by_a_full_HTTP_endpoint()
    {
        await using var host = await EchoHostFixture.StartAsync();
        var target = new IPEndPoint(IPAddress.Loopback, host.Http.BaseAddress!.Port);
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i <= host.Services.GetRequiredService<ConnectionCapacity>().Http; i++)
            {
                clients.Add(await EchoClient.ConnectAsync(target));
            }

            await host.UntilLoggedAsync(
                e => e.Text.Contains("the HTTP connection that has waited the longest gives way", StringComparison.Ordinal),
                "one has given way");
            using var peer = await host.ConnectAsync();
            await peer.EchoAsync("hello");
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task A_connection_that_asks_nothing_ends_by_itself()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var silent = await EchoClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, host.Http.BaseAddress!.Port));
        await silent.ReceiveEndAsync();
    }

    private static async Task AnswersAmongAsync(int count, string sent, IPAddress[] addresses, int? receiveBuffer = null)
    {
        Assert.SkipUnless(DescriptorLimit.Read() is null or > 4096, "the limit of file descriptors is too low for so many connections");
        await using var host = await EchoHostFixture.StartAsync("Echo:LogMessages=false");
        var target = new IPEndPoint(IPAddress.Loopback, host.Http.BaseAddress!.Port);
        var bytes = Encoding.ASCII.GetBytes(sent);
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                try
                {
                    var client = await EchoClient.ConnectAsync(target, receiveBuffer, addresses.Length == 1 ? null : addresses[i % addresses.Length]);
                    clients.Add(client);
                    await client.SendAsync(bytes);
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
                {
                    // The connection has been displaced.
                }

                // Probe regularly, and at the end.
                if (i % 100 == 99 || i == count - 1)
                {
                    await ProbeAsync(host);
                }
            }
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    /// <summary>Probes over a new connection; a client that retries would hide a rejection.</summary>
    private static async Task ProbeAsync(EchoHostFixture host)
    {
        using var probe = await EchoClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, host.Http.BaseAddress!.Port));
        await probe.SendAsync("GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK", Encoding.ASCII.GetString(await probe.ReceiveToEndAsync()), StringComparison.Ordinal);
    }
}
