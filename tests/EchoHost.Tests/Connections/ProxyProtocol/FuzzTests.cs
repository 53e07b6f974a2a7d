using System.Diagnostics;
using System.Net.Sockets;
using EchoHost.Connections.Tracking;
using EchoHost.Tests.Infrastructure;
using Kestrel.ProxyProtocol;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Connections.ProxyProtocol;

/// <summary>
/// Mutated headers on a live endpoint: payload comes back after headers that the parser accepts, and after no others.
/// </summary>
public class FuzzTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_live_endpoint_echoes_what_follows_a_right_header_and_turns_the_rest_away()
    {
        var count = TestScale.Of(3_000, 100_000);
        const int workers = 8;
        await using var host = await EchoHostFixture.StartAsync(
            "Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.1", "Echo:LogMessages=false");
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(async () =>
        {
            for (var i = worker; i < count; i += workers)
            {
                await TryAsync(host, i);
            }
        })));
        output.WriteLine($"{count} connections, {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.Empty(host.Problems(Microsoft.Extensions.Logging.LogLevel.Error));
        await Wait.UntilAsync(() => host.Services.GetRequiredService<ConnectionRegistry>().Count == 0, "nothing is left in the registry");
        using var client = await host.ConnectAsync();
        await client.SendAsync(MutatedHeaders.Seeds[0]);
        await client.EchoAsync("unharmed");
    }

    private static async Task TryAsync(EchoHostFixture host, int seed)
    {
        byte[] bytes = [.. MutatedHeaders.Make(new Random(seed)), .. "payload"u8];
        var status = ProxyHeaderParser.Parse(bytes, out var header, out _);
        var expected = status == ProxyParseStatus.Ok ? bytes[header.Length..] : [];
        byte[] received;
        try
        {
            using var client = await host.ConnectAsync();
            await client.SendAsync(bytes);
            client.HalfClose();
            received = await client.ReceiveToEndAsync();
        }
        catch (SocketException) when (status != ProxyParseStatus.Ok)
        {
            // Rejected by a reset, which any of these calls may report.
            return;
        }

        Assert.True(expected.AsSpan().SequenceEqual(received), $"seed {seed}: {Convert.ToHexString(bytes)} gave {Convert.ToHexString(received)}");
    }
}
