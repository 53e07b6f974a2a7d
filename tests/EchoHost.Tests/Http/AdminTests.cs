using System.Net;
using System.Net.Sockets;
using EchoHost.Http;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Http;

namespace EchoHost.Tests.Http;

public abstract class AdminTests(string transport) : TransportTests(transport)
{
    private const string Token = "correct-horse-battery";

    [Fact]
    public async Task A_connection_is_closed_with_the_token()
    {
        await using var host = await StartHostAsync($"Admin:Token={Token}");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("hello");
        var id = await IdAsync(host);
        Assert.Equal(HttpStatusCode.NoContent, (await DeleteAsync(host, id, $"Bearer {Token}")).StatusCode);
        Assert.Empty(await client.ReceiveToEndAsync());
        await host.UntilDisconnectedAsync(client.LocalAddress, "administrator", "admin");
        await Wait.UntilAsync(async () => (await DeleteAsync(host, id, $"Bearer {Token}")).StatusCode == HttpStatusCode.NotFound, "the connection is gone");
    }

    [Fact]
    public void An_administrators_address_is_written_as_a_clients_is()
    {
        var call = new DefaultHttpContext();
        (call.Connection.RemoteIpAddress, call.Connection.RemotePort) = (IPAddress.Parse("::ffff:10.0.0.5"), 40110);
        Assert.Equal("10.0.0.5:40110", AdminEndpoints.Administrator(call));
    }

    [Fact]
    public async Task A_stuck_connection_is_closed_too()
    {
        await using var host = await StartHostAsync($"Admin:Token={Token}", "Echo:LogMessages=false", "Echo:Limits:WriteTimeout=00:00:00");
        using var client = await EchoClient.ConnectAsync(host.Tcp, receiveBuffer: 4096);
        var sending = Assert.ThrowsAnyAsync<SocketException>(() => client.SendAsync(new byte[64 * 1024 * 1024]));
        await host.UntilStuckAsync(client);
        Assert.Equal(HttpStatusCode.NoContent, (await DeleteAsync(host, await IdAsync(host), $"Bearer {Token}")).StatusCode);
        await sending;
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer wrong-horse-battery")]
    [InlineData("Bearer correct-horse-batter")]
    [InlineData("Bearer correct-horse-batteryy")]
    [InlineData("Basic " + Token)]
    [InlineData(Token)]
    public async Task Without_the_token_nothing_is_closed(string? authorization)
    {
        await using var host = await StartHostAsync($"Admin:Token={Token}");
        using var client = await host.ConnectAsync();
        await client.EchoAsync("hello");
        var response = await DeleteAsync(host, await IdAsync(host), authorization);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", Assert.Single(response.Headers.WwwAuthenticate).Scheme);
        await client.EchoAsync("still here");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer ")]
    [InlineData("Bearer " + Token)]
    public async Task Where_no_token_is_configured_the_call_does_not_exist(string? authorization)
    {
        await using var host = await StartHostAsync();
        using var client = await host.ConnectAsync();
        await client.EchoAsync("hello");
        Assert.Equal(HttpStatusCode.NotFound, (await DeleteAsync(host, await IdAsync(host), authorization)).StatusCode);
        await client.EchoAsync("still here");
    }

    private static async Task<string> IdAsync(EchoHostFixture host) =>
        (await host.ConnectionAsync()).GetProperty("id").GetString()!;

    private static async Task<HttpResponseMessage> DeleteAsync(EchoHostFixture host, string id, string? authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"/connections/{id}");
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await host.Http.SendAsync(request);
    }
}

public sealed class AdminTestsOnEpoll() : AdminTests(TransportTests.Epoll);

public sealed class AdminTestsOnSockets() : AdminTests(TransportTests.Sockets);
