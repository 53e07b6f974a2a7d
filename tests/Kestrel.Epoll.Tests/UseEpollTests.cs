using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Epoll.Tests;

/// <summary>
/// The transport in a Kestrel server, as programs use it, with raw connections; <see cref="KestrelHttpTests"/> tests HTTP.
/// </summary>
public sealed class UseEpollTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("epoll").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// If bytes are already there, code continues on its own thread. So messages are sent until one comes later.
    /// </summary>
    [Fact]
    public async Task Code_goes_on_on_the_loop_where_the_option_says_so_and_elsewhere_on_the_pool()
    {
        var (onLoop, onPool) = (new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, 0));
        await using var app = await StartAsync(
            epoll => (epoll.ThreadName, epoll.ContinueOnLoop) = ("test loop", endPoint => endPoint == onLoop),
            SayThreadAsync,
            onLoop,
            onPool);

        using var looping = await EchoClient.ConnectAsync(app.EndPoints[0]);
        await Wait.UntilAsync(async () => await AskAsync(looping) == "test loop", "the code goes on on the loop");
        using var pooled = await EchoClient.ConnectAsync(app.EndPoints[1]);
        for (var i = 0; i < 100; i++)
        {
            Assert.NotEqual("test loop", await AskAsync(pooled));
        }

        static async Task<string> AskAsync(EchoClient client)
        {
            await client.SendAsync("?");
            return Encoding.ASCII.GetString(await client.ReceiveAsync(9));
        }
    }

    [Fact]
    public async Task A_unix_socket_is_listened_on_too()
    {
        var path = new UnixDomainSocketEndPoint(Path.Combine(_folder, "server.sock"));
        await using var app = await StartAsync(null, EchoAsync, path);
        using var client = await EchoClient.ConnectAsync(path);
        await client.EchoAsync("over a path");
    }

    [Fact]
    public async Task Each_end_point_has_the_policy_that_the_option_makes_for_it()
    {
        var (open, closed) = (new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, 0));
        var asked = new ConcurrentBag<EndPoint>();
        await using var app = await StartAsync(
            epoll => epoll.AcceptPolicy = endPoint =>
            {
                asked.Add(endPoint);
                return new TestPolicy { Keeps = _ => endPoint == open };
            },
            EchoAsync,
            open,
            closed);

        Assert.Equal(2, asked.Count);
        Assert.Contains(asked, endPoint => endPoint == open);
        Assert.Contains(asked, endPoint => endPoint == closed);
        using var client = await EchoClient.ConnectAsync(app.EndPoints[0]);
        await client.EchoAsync("comes in");
        await EchoClient.ExpectTurnedAwayAsync(app.EndPoints[1]);
    }

    [Fact]
    public async Task The_transport_connects_too()
    {
        await using var app = await StartAsync(null, EchoAsync, new IPEndPoint(IPAddress.Loopback, 0));
        var factory = new EpollConnectionFactory(app.Transport);
        await using var connection = await factory.ConnectAsync(app.EndPoints[0]).Bounded();
        await connection.Transport.Output.WriteAsync("there and back"u8.ToArray());
        await connection.Transport.Output.CompleteAsync();
        var text = await new StreamReader(connection.Transport.Input.AsStream()).ReadToEndAsync().WaitAsync(Wait.Limit);
        Assert.Equal("there and back", text);
    }

    [Theory]
    [InlineData(0, "a", 1)]
    [InlineData(1, "", 1)]
    [InlineData(1, "a", 0)]
    public void An_option_out_of_its_range_is_told(int loops, string name, int backlog) =>
        Assert.ThrowsAny<ArgumentException>(() => new EpollTransport(new EpollTransportOptions { LoopCount = loops, ThreadName = name, Backlog = backlog }));

    private static async Task<App> StartAsync(Action<EpollTransportOptions>? configure, Func<ConnectionContext, Task> handler, params EndPoint[] endPoints)
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        var listening = new List<ListenOptions>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseEpoll(configure);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            foreach (var endPoint in endPoints)
            {
                kestrel.Listen(endPoint, listen =>
                {
                    listening.Add(listen);
                    listen.Run(handler);
                });
            }
        });
        var app = new App(builder.Build(), listening);
        await app.StartAsync();
        return app;
    }

    private static Task EchoAsync(ConnectionContext connection) => connection.Transport.Input.CopyToAsync(connection.Transport.Output);

    private static async Task SayThreadAsync(ConnectionContext connection)
    {
        while (true)
        {
            var read = await connection.Transport.Input.ReadAsync();
            if (read.IsCompleted)
            {
                return;
            }

            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            // The name without its number.
            await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes($"{Thread.CurrentThread.Name,-9}"[..9]));
        }
    }

    private sealed class App(WebApplication app, List<ListenOptions> listening) : IAsyncDisposable
    {
        public List<EndPoint> EndPoints => [.. listening.Select(listen => listen.EndPoint)];

        public EpollTransport Transport => app.Services.GetRequiredService<EpollTransport>();

        public Task StartAsync() => app.StartAsync().WaitAsync(Wait.Limit);

        public async ValueTask DisposeAsync()
        {
            await app.StopAsync().WaitAsync(Wait.Limit);
            await app.DisposeAsync().Bounded();
        }
    }
}
