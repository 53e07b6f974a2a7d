using System.CommandLine;
using System.Runtime.CompilerServices;
using EchoHost.Commands;
using EchoHost.Connections.Admission;
using EchoHost.Connections.Timeouts;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;
using EchoHost.Drain;
using EchoHost.Echo;
using EchoHost.Hosting;
using EchoHost.Http;
using EchoHost.Logging;
using EchoHost.Metrics;
using EchoHost.Peers.Mesh;

/// <summary>The commands, and the host as a table of what it is made of.</summary>
internal sealed partial class Program
{
    private static int Main(string[] args)
    {
        var isHost = ServeCommand.IsMeant(args);
        return StartConditions.Check(isHost) is var code and not ExitCode.Done ? code : Run(args, isHost);
    }

    /// <summary>A method of its own, so that what it needs is not loaded before the conditions have been checked.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Run(string[] args, bool isHost)
    {
        // Before anything that takes time: a signal may come at any moment.
        var signals = isHost ? new HostSignals() : null;
        // Without arguments, as services and containers start it, there is nothing to parse, and no parser to load.
        var running = args switch
        {
            [] => ServeCommand.RunAsync([], signals!),
            ["--version"] => CommandLine.RunAsync(ShowVersion),
            _ => ParseAsync(args, signals),
        };
        var code = running.GetAwaiter().GetResult();
        GC.KeepAlive(signals);
        return code;
    }

    /// <summary>As the parser would, for scripts that ask often.</summary>
    private static Task<int> ShowVersion()
    {
        StandardOutput.WriteLine(EchoMetrics.Version);
        return Task.FromResult(ExitCode.Done);
    }

    private static async Task<int> ParseAsync(string[] args, HostSignals? signals)
    {
        var root = new RootCommand("A TCP echo peer for the people who run networks") { ServeCommand.Create(signals), SendCommand.Create(), LoadCommand.Create(), HealthCommand.Create() };
        ServeCommand.Configure(root, signals);
        return await root.Parse(args).RunAsync();
    }

    /// <summary>The host, ready to run.</summary>
    /// <param name="settings">Configuration as on the command line: <c>--Key=Value</c>.</param>
    /// <param name="configure">Puts other services in the place of the host's own, as tests do.</param>
    /// <exception cref="EchoHost.Configuration.ConfigurationException">What is configured can't be used.</exception>
    internal static WebApplication BuildHost(string[] settings, Action<IServiceCollection>? configure = null)
    {
        var builder = HostConfiguration.CreateBuilder(settings);
        var host = HostSettings.Read(builder.Configuration);
        var services = builder.Services;

        // Logs, metrics, health and HTTP.
        builder.Logging.AddEchoLogging(builder.Configuration);
        services.AddEchoMetrics(builder.Configuration);
        services.AddHealth();
        services.AddHttp(builder.Configuration, host);

        // Admission, the registry of connections, and their time limits.
        services.AddSingleton(host);
        services.AddSingleton(TimeProvider.System);
        services.AddAdmission(host);
        services.AddSingleton<ServerCertificates>();
        services.AddSingleton<ConnectionRegistry>();
        services.AddHostedService<ConnectionTimeouts>();
        services.AddSingleton<ConnectionLog>();
        services.AddSingleton<MessageLog>();

        // Where it listens.
        builder.WebHost.UseKestrelHttpsConfiguration();
        services.AddKestrelEndpoints(builder.Configuration);
        services.AddHostedService<StartupLines>();

        // The peers it probes.
        services.AddMesh(host);

        // How it ends.
        services.AddDrain(host.Echo.Shutdown);

        configure?.Invoke(services);
        var app = builder.Build();
        app.UseHttp();
        app.MapHealth();
        app.MapMetrics();
        app.MapConnections();
        app.MapPeers();
        app.MapAdmin();
        return app;
    }
}
