using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using EchoHost.Connections.Tracking;
using EchoHost.Endpoints;
using EchoHost.Hosting;
using EchoHost.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A real host in this process, on free ports, with its log in a list.</summary>
internal sealed class EchoHostFixture : IAsyncDisposable
{
    private readonly WebApplication _app;
    private Task? _stopping;
    private FakeTimeProvider? _time;

    private EchoHostFixture(WebApplication app, LogCollector log)
    {
        _app = app;
        Log = log;
        var endpoints = app.Services.GetRequiredService<ListenEndpoints>();
        var bound = app.Services.GetRequiredService<BoundEndpoints>();
        EndPoints = endpoints.Raw.ToDictionary(e => e.Name, e => BoundEndpoints.Reachable(bound.Of(e).First()));
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            MaxConnectionsPerServer = 64,
            Expect100ContinueTimeout = Wait.Limit,
        };
        Http = new HttpClient(handler) { BaseAddress = new Uri(bound.HttpUrls.First()), Timeout = Wait.Limit };
    }

    /// <summary>
    /// Limits that no pause of a busy machine reaches. A test of a limit overrides it in its own settings, which come
    /// later.
    /// </summary>
    public static string[] Patience { get; } =
    [
        "--Echo:Limits:ProxyHeaderTimeout=00:02:00",
        "--Echo:Limits:TlsHandshakeTimeout=00:02:00",
        "--Echo:Limits:WriteTimeout=00:02:00",
        "--Peers:Timeout=00:01:00",
    ];

    public LogCollector Log { get; }

    /// <summary>The end point of each echo endpoint.</summary>
    public IReadOnlyDictionary<string, EndPoint> EndPoints { get; }

    public EndPoint Tcp => EndPoints["Tcp"];

    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>
    /// Starts a host on free ports of loopback. <paramref name="settings"/> are as on the command line, without the dashes.
    /// </summary>
    public static Task<EchoHostFixture> StartAsync(params string[] settings) => StartAsync(_ => { }, settings);

    /// <summary>
    /// Starts a host with a test clock, which moves only when the test advances it, and while the host stops at the end.
    /// </summary>
    public static async Task<EchoHostFixture> StartAsync(FakeTimeProvider time, params string[] settings)
    {
        var host = await StartAsync(services => services.AddSingleton<TimeProvider>(time), settings);
        host._time = time;
        // Wait for the host's first probe, which sets timers on this clock: advancing it at that moment can lose other timers.
        var firstProbe = host.Services.GetRequiredService<EchoHealthCheck>().CheckHealthAsync(new HealthCheckContext());
        await Task.WhenAny(firstProbe, Task.Delay(TimeSpan.FromSeconds(5)));
        return host;
    }

    /// <summary>Starts a host in which some services are replaced by the test's.</summary>
    public static async Task<EchoHostFixture> StartAsync(Action<IServiceCollection> configure, params string[] settings)
    {
        var log = new LogCollector();
        var app = EchoHostBuilder.Build([
            "--Urls=http://127.0.0.1:0",
            "--Echo:Endpoints:Tcp:Url=tcp://127.0.0.1:0",
            .. Patience,
            "--Serilog:WriteTo:0:Name=Console",
            "--Serilog:WriteTo:0:Args:restrictedToMinimumLevel=Fatal",
            .. settings.Select(s => $"--{s}")], configure);
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        await app.StartAsync().WaitAsync(Wait.Limit);
        return new EchoHostFixture(app, log);
    }

    public async Task<EchoClient> ConnectAsync(string endpoint = "Tcp") => await EchoClient.ConnectAsync(EndPoints[endpoint]);

    /// <summary>Waits until the host is ready: its own probe has a limit that a busy machine may miss.</summary>
    public Task UntilReadyAsync() => UntilOkAsync("/health/ready");

    /// <summary>Waits until a call is answered with 200. The host's check of itself has two seconds, which a machine may pause for.</summary>
    public async Task<HttpResponseMessage> UntilOkAsync(string path)
    {
        HttpResponseMessage response = null!;
        await Wait.UntilAsync(async () => (response = await Http.GetAsync(path)).StatusCode == HttpStatusCode.OK, $"{path} is answered with 200");
        return response;
    }

    /// <summary>
    /// The log entries from a level up. Without those of the host's check of itself, whose two seconds a machine may pause for.
    /// </summary>
    public IEnumerable<LogEntry> Problems(LogLevel from) =>
        Log.Entries.Where(entry => entry.Level >= from && !entry.Category.EndsWith(nameof(EchoHealthCheck), StringComparison.Ordinal));

    /// <summary>The text of <c>/metrics</c>.</summary>
    public Task<string> MetricsAsync() => Http.GetStringAsync("/metrics");

    /// <summary>Waits until <c>/metrics</c> contains a text.</summary>
    public Task UntilMetricsContainAsync(string text, string what) =>
        Wait.UntilAsync(async () => (await MetricsAsync()).Contains(text, StringComparison.Ordinal), what);

    /// <summary>The value of a counter in <c>/metrics</c>.</summary>
    /// <param name="series">Its name and labels.</param>
    public async Task<long> CounterAsync(string series)
    {
        var line = (await MetricsAsync()).Split('\n').Single(l => l.StartsWith($"{series} ", StringComparison.Ordinal));
        return long.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>The first connection of <c>/connections</c>, once there is one: the kernel accepts before the host does.</summary>
    public async Task<JsonElement> ConnectionAsync()
    {
        JsonElement all = default;
        await Wait.UntilAsync(
            async () => (all = (await Http.GetFromJsonAsync<JsonElement>("/connections")).GetProperty("connections")).GetArrayLength() > 0,
            "a connection is listed");
        return all[0];
    }

    /// <summary>The number of bytes in the kernel's send queue of the first connection.</summary>
    public async Task<long> SendQueueAsync() =>
        (await ConnectionAsync()).GetProperty("tcp").GetProperty("sendQueueBytes").GetInt64();

    /// <summary>
    /// Waits until a client that sends and reads nothing is stuck: no byte has moved for half a second. Earlier the host may
    /// find the connection between two messages, where it is quiet and not stuck.
    /// </summary>
    public async Task UntilStuckAsync(EchoClient client)
    {
        const int looks = 25;
        var registry = Services.GetRequiredService<ConnectionRegistry>();
        var (sent, still) = (-1L, 0);
        await Wait.UntilAsync(
            async () =>
            {
                await Task.Delay(20, CancellationToken.None);
                var connection = registry.All().SingleOrDefault(c => c.Client == client.LocalAddress);
                still = connection is { IsSending: true } && connection.SentBytes == sent ? still + 1 : 0;
                sent = connection?.SentBytes ?? -1;
                return still == looks;
            },
            "the client is stuck");
    }

    /// <summary>Waits until the host has logged a matching event.</summary>
    public Task UntilLoggedAsync(Func<LogEntry, bool> isMeant, string what) => Wait.UntilAsync(() => Log.Entries.Any(isMeant), what);

    /// <summary>Waits until the host has logged why a connection ended.</summary>
    /// <param name="peer">The client's address.</param>
    /// <param name="text">The reason in words.</param>
    /// <param name="reason">The reason in the event's properties.</param>
    /// <param name="what">What is awaited.</param>
    public Task UntilDisconnectedAsync(string peer, string text, string reason, string what = "the reason is logged") => UntilLoggedAsync(
        e => e.Text.StartsWith($"Peer {peer} disconnected: {text} after ", StringComparison.Ordinal) && (string)e.Properties["Reason"]! == reason,
        what);

    /// <summary>Starts the stop, as SIGTERM does; the task completes when the host has stopped.</summary>
    public Task BeginStop() => _stopping ??= Task.Run(() => _app.StopAsync());

    /// <summary>
    /// Simulates the death of a listener, so that the kernel accepts no more for it: finds the listening descriptor by its
    /// port and shuts it down without the host's knowledge.
    /// </summary>
    public void KillListener()
    {
        var at = (IPEndPoint)Tcp;
        var local = $"{BitConverter.ToUInt32(at.Address.GetAddressBytes()):X8}:{at.Port:X4}";
        var inode = TcpSockets.All().First(socket => socket.Local == local && socket.State == TcpSockets.Listening).Inode;
        var descriptor = Directory.EnumerateFileSystemEntries("/proc/self/fd").First(path => new FileInfo(path).LinkTarget == $"socket:[{inode}]");
        using var socket = new Socket(new SafeSocketHandle(int.Parse(Path.GetFileName(descriptor), CultureInfo.InvariantCulture), ownsHandle: false));
        socket.Shutdown(SocketShutdown.Both);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        var stop = BeginStop();
        if (_time is not null)
        {
            await _time.PassUntilAsync(TimeSpan.FromMilliseconds(100), () => stop.IsCompleted, "the host stops");
        }

        await stop.WaitAsync(Wait.Limit);
        await _app.DisposeAsync();
    }
}

/// <summary>Keeps every event at Information and above, as text.</summary>
internal sealed class LogCollector : ILoggerProvider
{
    private readonly ConcurrentQueue<LogEntry> _entries = new();

    public IReadOnlyCollection<LogEntry> Entries => _entries;

    public IEnumerable<string> Lines => _entries.Select(e => e.Text);

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(LogCollector owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) =>
            logLevel >= (category.StartsWith("EchoHost", StringComparison.Ordinal) ? LogLevel.Information : LogLevel.Warning);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                var properties = state as IEnumerable<KeyValuePair<string, object?>> ?? [];
                owner._entries.Enqueue(new LogEntry(logLevel, category, formatter(state, exception), properties.ToDictionary(p => p.Key, p => p.Value)));
            }
        }
    }
}

internal sealed record LogEntry(LogLevel Level, string Category, string Text, IReadOnlyDictionary<string, object?> Properties);
