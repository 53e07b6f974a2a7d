using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Epoll.Tests;

/// <summary>Connections that start on the event loop, in a Kestrel server.</summary>
public sealed class StartOnLoopTests : IAsyncDisposable
{
    private const string ThreadName = "test loop";
    private readonly Warnings _log = new();
    private WebApplication? _app;
    private ListenOptions? _listen;

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync().WaitAsync(Wait.Limit);
            var transport = _app.Services.GetRequiredService<EpollTransport>();
            await Wait.UntilAsync(() => transport.BlocksInUse == 0, $"nothing holds memory of the transport ({transport.BlocksInUse} blocks)");
            await _app.DisposeAsync().Bounded();
        }
    }

    [Fact]
    public async Task The_first_line_of_a_handler_runs_on_a_loop_and_connections_are_spread_over_all_of_them()
    {
        var threads = new ConcurrentBag<string?>();
        await StartAsync(connection => EchoAsync(connection, threads));
        for (var i = 0; i < 8; i++)
        {
            using var client = await ConnectAsync();
            await client.EchoAsync("hello");
            client.HalfClose();
            Assert.Empty(await client.ReceiveToEndAsync());
        }

        Assert.Equal(Enumerable.Repeat(new[] { $"{ThreadName} 0", $"{ThreadName} 1" }, 4).SelectMany(names => names).Order(), threads.Order());
    }

    [Fact]
    public async Task It_may_go_on_on_the_pool_and_serve_a_unix_socket()
    {
        var folder = Directory.CreateTempSubdirectory("epoll");
        var threads = new ConcurrentBag<string?>();
        await StartAsync(
            async connection =>
            {
                var reading = connection.Transport.Input.ReadAsync();
                threads.Add(Thread.CurrentThread.Name);
                var read = await reading;
                threads.Add(Thread.CurrentThread.Name);
                connection.Transport.Input.AdvanceTo(read.Buffer.Start);
                await EchoAsync(connection);
            },
            continuesOnLoop: false,
            endPoint: new UnixDomainSocketEndPoint(Path.Combine(folder.FullName, "server.sock")));
        using (var client = await ConnectAsync())
        {
            // It comes when the handler waits for it already.
            await Wait.UntilAsync(() => !threads.IsEmpty, "the handler has begun");
            await client.EchoAsync("hello");
        }

        Assert.Equal(2, threads.Count);
        Assert.Single(threads, name => name?.StartsWith(ThreadName, StringComparison.Ordinal) == true);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Another_listener_on_the_same_object_is_not_concerned()
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        using var transport = EpollServer.Transport(loops: 1);
        var endPoint = new IPEndPoint(IPAddress.Loopback, 0);
        ConnectionDelegate chain = connection => EchoAsync(connection);
        transport.SetStart(endPoint, chain);
        var factory = new EpollListenerFactory(transport);
        await using var starting = await factory.BindAsync(endPoint);
        await using var returning = await factory.BindAsync(endPoint);
        var accepting = starting.AcceptAsync();
        using (var client = await EchoClient.ConnectAsync(starting.EndPoint))
        {
            await client.EchoAsync("started");
        }

        using var other = await EchoClient.ConnectAsync(returning.EndPoint);
        await using var returned = await returning.AcceptAsync().Bounded();
        Assert.NotNull(returned);
        await starting.UnbindAsync();
        Assert.Null(await accepting.Bounded());
    }

    [Fact]
    public async Task What_is_accepted_after_the_stop_is_ended()
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        await using var server = EpollServer.Start();
        var (host, peer) = await server.ConnectAsync();
        var start = new LoopStart(_ => throw new InvalidOperationException("started"), _log);
        await start.StopAsync();
        start.Begin((EpollConnection)host);
        await peer.ReceiveEndAsync();
        Assert.Empty(_log.All);
    }

    [Fact]
    public async Task Without_it_Kestrel_starts_them_on_the_pool()
    {
        var threads = new ConcurrentBag<string?>();
        await StartAsync(
            connection => EchoAsync(connection, threads),
            startsOnLoop: false);
        using var client = await ConnectAsync();
        await client.EchoAsync("hello");
        Assert.DoesNotContain(threads, name => name?.StartsWith(ThreadName, StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task A_handler_that_throws_ends_its_connection_and_is_logged()
    {
        await StartAsync(async connection =>
        {
            var read = await connection.Transport.Input.ReadAsync();
            if (read.Buffer.FirstSpan[0] == '!')
            {
                throw new InvalidOperationException("on purpose");
            }

            connection.Transport.Input.AdvanceTo(read.Buffer.Start);
            await EchoAsync(connection);
        });
        using (var failing = await ConnectAsync())
        {
            await failing.SendAsync("!");
            await failing.ReceiveToEndAsync();
        }

        var (text, exception) = Assert.Single(_log.All);
        Assert.EndsWith("ended with an unhandled exception", text, StringComparison.Ordinal);
        Assert.Equal("on purpose", exception?.Message);
        using var other = await ConnectAsync();
        await other.EchoAsync("goes on");
    }

    [Fact]
    public async Task A_peer_that_resets_is_no_error()
    {
        var ended = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await StartAsync(async connection =>
        {
            try
            {
                await EchoAsync(connection);
            }
            catch (Exception e)
            {
                ended.SetResult(e);
                throw;
            }
        });
        using (var client = await ConnectAsync())
        {
            await client.EchoAsync("hello");
            client.Reset();
        }

        Assert.IsType<ConnectionResetException>(await ended.Task.WaitAsync(Wait.Limit));
        await _app!.StopAsync().WaitAsync(Wait.Limit);
        Assert.Empty(_log.All);
    }

    /// <summary>Its loop's other connections are started by the thread that takes over, also those that were accepted with it.</summary>
    [Fact]
    public async Task A_handler_that_blocks_from_its_first_line_holds_up_no_other()
    {
        using var goOn = new ManualResetEventSlim();
        using var isBlocked = new SemaphoreSlim(0);
        var isFirst = 1;
        await StartAsync(
            async connection =>
            {
                if (Interlocked.Exchange(ref isFirst, 0) == 1)
                {
                    isBlocked.Release();
                    Assert.True(goOn.Wait(Wait.Limit));
                }

                await EchoAsync(connection);
            },
            loops: 1);
        using var blocked = await ConnectAsync();
        Assert.True(await isBlocked.WaitAsync(Wait.Limit));
        for (var i = 0; i < 4; i++)
        {
            using var other = await ConnectAsync();
            await other.EchoAsync("not held up");
        }

        goOn.Set();
        await blocked.EchoAsync("at last");
    }

    [Fact]
    public async Task A_connection_that_is_about_to_end_may_do_so_while_the_listener_stops()
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        using var transport = EpollServer.Transport(loops: 1);
        var start = new LoopStart(connection => EchoAsync(connection), _log, Wait.Limit);
        await using var listener = EpollServer.Listen(transport, new IPEndPoint(IPAddress.Loopback, 0), continuesOnLoop: true, start: start);
        var accepting = listener.AcceptAsync();
        using var client = await EchoClient.ConnectAsync(listener.EndPoint);
        await client.EchoAsync("started");
        var stop = listener.DisposeAsync();
        Assert.Null(await accepting.Bounded());
        await client.EchoAsync("the last");
        client.HalfClose();
        Assert.Empty(await client.ReceiveToEndAsync());
        await stop.Bounded();
        Assert.Empty(_log.All);
    }

    [Fact]
    public async Task A_server_that_stops_aborts_those_that_are_left()
    {
        await StartAsync(EchoAsync);
        using var client = await ConnectAsync();
        await client.EchoAsync("hello");
        await _app!.StopAsync().WaitAsync(Wait.Limit);
        await client.ReceiveEndAsync();
        Assert.Empty(_log.All);
    }

    [Fact]
    public async Task A_server_that_stops_does_not_wait_for_ever_for_a_handler_that_never_ends()
    {
        var never = new TaskCompletionSource();
        await StartAsync(async connection =>
        {
            await connection.Transport.Output.WriteAsync("x"u8.ToArray());
            await never.Task;
        });
        using var client = await ConnectAsync();
        await client.ReceiveAsync(1);
        await _app!.StopAsync().WaitAsync(Wait.Limit);
        Assert.Equal("The server has stopped and aborted its connections, but some have not ended: 1", Assert.Single(_log.All).Text);
        never.SetResult();
    }

    private async Task StartAsync(
        Func<ConnectionContext, Task> handler, bool startsOnLoop = true, int loops = 2, bool continuesOnLoop = true, EndPoint? endPoint = null)
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(_log);
        builder.WebHost.UseEpoll(epoll => (epoll.ThreadName, epoll.LoopCount, epoll.ContinueOnLoop) = (ThreadName, loops, _ => continuesOnLoop));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(endPoint ?? new IPEndPoint(IPAddress.Loopback, 0), listen =>
        {
            _listen = startsOnLoop ? listen.StartOnLoop() : listen;
            listen.Run(handler);
        }));
        _app = builder.Build();
        await _app.StartAsync().WaitAsync(Wait.Limit);
    }

    private Task<EchoClient> ConnectAsync() => EchoClient.ConnectAsync(_listen!.EndPoint);

    /// <summary>Echoes, and keeps the name of the thread that it begins on.</summary>
    private static Task EchoAsync(ConnectionContext connection, ConcurrentBag<string?> threads)
    {
        threads.Add(Thread.CurrentThread.Name);
        return EchoAsync(connection);
    }

    private static Task EchoAsync(ConnectionContext connection) => connection.Transport.Input.CopyToAsync(connection.Transport.Output);

    /// <summary>Keeps the transport's warnings and errors.</summary>
    private sealed class Warnings : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<(string Text, Exception? Exception)> All { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                All.Enqueue((formatter(state, exception), exception));
            }
        }

        public void Dispose()
        {
        }
    }
}
