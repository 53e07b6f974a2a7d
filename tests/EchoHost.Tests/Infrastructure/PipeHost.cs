using System.Net;
using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;
using EchoHost.Echo;
using EchoHost.Identity;
using EchoHost.Lifetime;
using EchoHost.Logging;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Infrastructure;

/// <summary>
/// The services that connection middleware needs, without a host: nothing listens, and the test controls the clock.
/// </summary>
internal sealed class PipeHost : IDisposable
{
    public const string EndpointName = "Tcp";

    private readonly ServiceProvider _services;

    /// <param name="maxConnections">As <c>Echo:Limits:MaxConnections</c>.</param>
    /// <param name="maxPerAddress">As <c>Echo:Limits:MaxConnectionsPerAddress</c>.</param>
    /// <param name="quietNetwork">As <c>Echo:QuietNetworks:0</c>.</param>
    public PipeHost(int maxConnections = 100, int? maxPerAddress = null, string? quietNetwork = null)
    {
        var services = new ServiceCollection();
        services.AddMetrics();
        services.AddLogging(logging => logging.AddProvider(Log));
        services.AddSingleton<TimeProvider>(Time);
        services.AddSingleton<IReadOnlyList<MeteredEndpoint>>(
            [new(EndpointName, TakesProxyHeaders: true), new(EchoMetrics.HttpEndpoint, TakesProxyHeaders: false)]);
        services.AddSingleton(new Instance());
        services.AddSingleton<EchoMetrics>();
        services.AddSingleton(new QuietNetworks(NetworkSet.Parse("Echo:QuietNetworks", quietNetwork is null ? [] : [quietNetwork])));
        services.AddAdmission(maxConnections, maxPerAddress);
        services.AddSingleton<DrainState>();
        services.AddSingleton<ConnectionRegistry>();
        services.AddSingleton(new ConnectionLogOptions());
        services.AddSingleton(new TlsHandshakeOptions());
        services.AddSingleton<ConnectionLog>();
        services.AddSingleton<MessageLog>();
        _services = services.BuildServiceProvider();
    }

    public FakeTimeProvider Time { get; } = new();

    public LogCollector Log { get; } = new();

    public DrainState Drain => Get<DrainState>();

    public ConnectionRegistry Registry => Get<ConnectionRegistry>();

    /// <summary>The endpoint's counters.</summary>
    public EndpointMetrics Metrics => Get<EchoMetrics>().For(EndpointName);

    public IServiceProvider Services => _services;

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Creates an object with its services from here and the given arguments.</summary>
    public T Create<T>(params object[] arguments) => ActivatorUtilities.CreateInstance<T>(_services, arguments);

    /// <summary>Builds a chain as Kestrel does.</summary>
    public ConnectionDelegate Build(Action<IConnectionBuilder> configure)
    {
        var builder = new ConnectionBuilder(_services);
        configure(builder);
        return builder.Build();
    }

    /// <summary>Creates a connection from a client at this address.</summary>
    public static PipeConnection From(string address, int port = 5000) => new(new IPEndPoint(IPAddress.Parse(address), port));

    public void Dispose() => _services.Dispose();
}
