using System.Collections.Concurrent;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EchoHost.Tests.Hosting;

/// <summary>On which thread an endpoint's chain begins; the library's tests show how it runs there.</summary>
public class StartOnLoopTests
{
    [Theory]
    [InlineData("Epoll", "tcp://127.0.0.1:0", true)]
    [InlineData("Epoll", "unix:{folder}/echo.sock", true)]
    [InlineData("Sockets", "tcp://127.0.0.1:0", false)]
    public async Task A_plain_endpoint_on_epoll_begins_on_its_loop(string transport, string url, bool isOnLoop)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has epoll");
        var folder = Directory.CreateTempSubdirectory("echohost-start");
        using (var threads = new ConnectingThreads())
        {
            await using var host = await EchoHostFixture.StartAsync(
                $"Echo:Transport={transport}", $"Echo:Endpoints:Tcp:Url={url.Replace("{folder}", folder.FullName, StringComparison.Ordinal)}");
            host.Services.GetRequiredService<ILoggerFactory>().AddProvider(threads);
            for (var i = 0; i < 3; i++)
            {
                using var client = await host.ConnectAsync();
                await client.EchoAsync("hello");
            }

            Assert.Equal(3, threads.Names.Count);
            Assert.All(threads.Names, name => Assert.Equal(isOnLoop, name?.StartsWith("echo loop ", StringComparison.Ordinal) == true));
        }

        folder.Delete(recursive: true);
    }

    /// <summary>Keeps the names of the threads that log the line about a new connection, which the chain does itself.</summary>
    private sealed class ConnectingThreads : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string?> Names { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).EndsWith(" connecting", StringComparison.Ordinal))
            {
                Names.Enqueue(Thread.CurrentThread.Name);
            }
        }

        public void Dispose()
        {
        }
    }
}
