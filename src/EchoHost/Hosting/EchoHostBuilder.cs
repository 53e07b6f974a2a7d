using EchoHost.Connections.Admission;
using EchoHost.Connections.Faults;
using EchoHost.Connections.Timeouts;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;
using EchoHost.Drain;
using EchoHost.Echo;
using EchoHost.Http;
using EchoHost.Http.Live;
using EchoHost.Logging;
using EchoHost.Metrics;
using EchoHost.Peers.Fleet;
using EchoHost.Peers.Mesh;
using EchoHost.Systemd;
using EchoHost.Who;

namespace EchoHost.Hosting;

/// <summary>Composes the host.</summary>
internal static class EchoHostBuilder
{
    /// <summary>Builds the host, ready to run.</summary>
    /// <param name="arguments">Configuration as on the command line: <c>--Key=Value</c>.</param>
    /// <param name="configure">Replaces services of the host, for tests.</param>
    /// <exception cref="Configuration.ConfigurationException">The configuration can't be used.</exception>
    public static WebApplication Build(string[] arguments, Action<IServiceCollection>? configure = null)
    {
        var builder = HostConfiguration.CreateBuilder(arguments);
        var settings = HostSettings.Read(builder.Configuration);
        var services = builder.Services;
        settings.AddTo(services);
        services.AddSingleton(TimeProvider.System);

        // Logs, metrics, health and HTTP.
        builder.Logging.AddEchoLogging(builder.Configuration);
        services.AddEchoMetrics(builder.Configuration, settings.MeteredEndpoints);
        services.AddHealth();
        services.AddHttp();

        // The middleware between a socket and its service.
        services.AddAdmission(settings.Capacity.Echo, settings.Echo.Admission.MaxConnectionsPerAddress);
        services.AddSingleton<ServerCertificates>();
        services.AddSingleton<ConnectionRegistry>();
        services.AddHostedService<ConnectionTimeouts>();
        services.AddSingleton<ConnectionLog>();
        services.AddSingleton(provider => new FaultSettings(
            settings.Endpoints.Raw.Select(endpoint => KeyValuePair.Create(endpoint.Name, endpoint.Faults)), provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService<FaultWarnings>();

        // The services that endpoints offer.
        services.AddSingleton<MessageLog>();
        services.AddSingleton<WhoAnswers>();

        // Listening.
        builder.WebHost.UseKestrelHttpsConfiguration();
        services.AddKestrelEndpoints(builder.Configuration);
        services.AddHostedService<StartupLines>();

        // The peers to probe.
        services.AddMesh(settings.Peers, settings.Echo.Transport);
        services.AddFleet(settings.Peers);

        // The page. Before the drain: services stop in the opposite order, and the page shows the drain.
        services.AddLive();

        // The drain.
        services.AddDrain(settings.Echo.Drain);

        // What systemd is told, before the drain at the stop.
        services.AddSystemdNotifications(KestrelExtensions.EventLoopsRespondAsync);

        configure?.Invoke(services);
        var app = builder.Build();
        app.UseHttp();
        app.MapHealth();
        app.MapMetrics();
        app.MapConnections();
        app.MapPeers();
        app.MapFleet();
        app.MapWho();
        app.MapEndpoints();
        app.MapAdmin();
        app.MapPage();
        app.MapLive();
        return app;
    }
}
