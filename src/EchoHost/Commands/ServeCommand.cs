using System.CommandLine;
using EchoHost.Configuration;
using EchoHost.Hosting;
using EchoHost.Metrics;
using EchoHost.Transport;
using Microsoft.Win32.SafeHandles;

namespace EchoHost.Commands;

/// <summary><c>EchoHost [serve] [--Key=Value …]</c>: runs the host until it receives a signal.</summary>
internal static class ServeCommand
{
    /// <summary>The text of <c>serve --help</c> after the usage.</summary>
    public const string Keys = """
        The commonest keys, with their defaults:
          PORT=5555                                 the port of the endpoint Tcp
          --Urls=http://localhost:8080              where health, metrics and connections are served
          --Echo:Endpoints:Tcp:Url=tcp://*:5555     an endpoint: tcp://HOST:PORT, tls://HOST:PORT or unix:/PATH
          --Echo:Endpoints:Tcp:ProxyProtocol=Off    Off, Optional or Required; from Echo:TrustedProxies:0, :1, …
          --Echo:LogMessages=true                   a log line a message
          --Echo:Limits:MaxConnections=             derived from the limit of file descriptors
          --Echo:Limits:IdleTimeout=00:10:00        after how long of silence a connection is closed
          --Echo:Shutdown:GracePeriod=00:00:20      how long busy connections may go on after SIGTERM
          --Peers:Targets:0=HOST:PORT               a peer to probe all the time
          --Logging:Format=text                     text or json

        In the environment __ stands for : (Echo__LogMessages=false). Every key that has a default is in appsettings.json
        beside the program; docs/configuration.md explains them all.
        """;

    private const string Name = "serve";
    private const string Help = "Run the host; every configuration key can be given as --Key=Value";

    private static readonly TimeSpan LastLines = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LastPush = TimeSpan.FromSeconds(6);

    /// <summary>The longest time from the stop of the host to the end of the process.</summary>
    public static TimeSpan AfterStop => LastPush + LastLines;

    /// <param name="signals">The signals that stop the host, if they are registered already.</param>
    public static Command Create(HostSignals? signals)
    {
        var command = new Command(Name, Help);
        Configure(command, signals);
        return command;
    }

    /// <summary>Makes <paramref name="command"/> run the host; unknown tokens become configuration.</summary>
    public static void Configure(Command command, HostSignals? signals)
    {
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((parsed, _) => RunAsync([.. parsed.UnmatchedTokens], signals ?? new HostSignals()));
    }

    /// <summary>
    /// Whether help for <paramref name="command"/> includes the keys: it is this command, or the root, which runs the host
    /// too.
    /// </summary>
    public static bool Explains(Command command) => command is RootCommand || command.Name == Name;

    /// <summary>Whether a command line runs the host: no arguments, <c>serve</c>, or a setting.</summary>
    public static bool IsMeant(string[] args) =>
        args.Length == 0 || args[0] == Name || (args[0].StartsWith("--", StringComparison.Ordinal) && args[0] is not ("--help" or "--version"));

    /// <summary>Runs the host until it receives a signal.</summary>
    /// <param name="settings">Configuration as on the command line: <c>--Key=Value</c>.</param>
    /// <param name="signals">The signals that stop it.</param>
    public static async Task<int> RunAsync(string[] settings, HostSignals signals)
    {
        try
        {
            CheckShape(settings);
            var app = EchoHostBuilder.Build(settings, signals.AddTo);
            try
            {
                return signals.Told.IsCompleted ? ExitCode.Done : await RunAsync(app, signals);
            }
            finally
            {
                await DisposeAsync(app);
            }
        }
        catch (ConfigurationException e)
        {
            return CommandLine.Fail(ExitCode.WrongUsage, e.Problems);
        }
        catch (EndpointUnavailableException e)
        {
            return CommandLine.Fail(e.IsInUse ? ExitCode.Failed : ExitCode.WrongUsage, e.Message);
        }
        catch (StandardOutputException e)
        {
            return CommandLine.Fail(ExitCode.Failed, $"standard output can't be written: {e.Message}");
        }
        catch (IOException e)
        {
            // Kestrel could listen on neither address of localhost.
            return CommandLine.Fail(ExitCode.Failed, e.Message);
        }
    }

    private static async Task<int> RunAsync(WebApplication app, HostSignals signals)
    {
        var log = new LogFailure();
        await app.StartAsync();
        log.Started();
        var stopped = app.WaitForShutdownAsync();
        await Task.WhenAny(signals.Told, log.WithinStart, stopped);
        app.Lifetime.StopApplication();
        await stopped;
        return log.Problem is { } problem ? throw new StandardOutputException(problem, isReaderGone: false) : ExitCode.Done;
    }

    /// <summary>
    /// Disposes the host, which writes the remaining log lines. If nothing reads standard output, the write blocks for
    /// ever, so the wait has a limit.
    /// </summary>
    private static async Task DisposeAsync(WebApplication app)
    {
        try
        {
            // A collector that does not answer delays the last push; that says nothing about standard output.
            await Task.Run(app.Services.GetRequiredService<MeterProviders>().Dispose).WaitAsync(LastPush)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Run(async () => await app.DisposeAsync()).WaitAsync(LastLines);
        }
        catch (TimeoutException)
        {
            // Console can't be used: all of it waits for the lock that the blocked write holds.
            const int standardError = 2;
            using var error = new FileStream(new SafeFileHandle(standardError, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            error.Write("EchoHost: the last log lines could not be written\n"u8);
        }
    }

    /// <summary>Rejects arguments that are not settings; the framework would ignore them.</summary>
    private static void CheckShape(string[] settings)
    {
        for (var i = 0; i < settings.Length; i++)
        {
            if (!settings[i].StartsWith("--", StringComparison.Ordinal))
            {
                throw new ConfigurationException($"'{settings[i]}' is neither a command nor a setting; expected --Key=Value");
            }

            if (!settings[i].Contains('=') && ++i == settings.Length)
            {
                throw new ConfigurationException($"'{settings[^1]}' has no value; expected --Key=Value");
            }
        }
    }
}
