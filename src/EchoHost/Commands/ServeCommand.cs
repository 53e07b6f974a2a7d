using System.CommandLine;
using System.Runtime.InteropServices;
using EchoHost.Configuration;
using EchoHost.Transport;
using Microsoft.Win32.SafeHandles;

namespace EchoHost.Commands;

/// <summary><c>EchoHost [serve] [--Key=Value …]</c>: runs the host until it is told to stop.</summary>
internal static class ServeCommand
{
    private const string Help = "Run the host; every configuration key can be given as --Key=Value";

    private static readonly TimeSpan LastLines = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        var command = new Command("serve", Help);
        Configure(command);
        return command;
    }

    /// <summary>Makes <paramref name="command"/> run the host; what it does not know is configuration.</summary>
    public static void Configure(Command command)
    {
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((parsed, _) => RunAsync([.. parsed.UnmatchedTokens]));
    }

    /// <summary>Runs the host until it is told to stop.</summary>
    /// <param name="settings">Configuration as on the command line: <c>--Key=Value</c>.</param>
    public static async Task<int> RunAsync(string[] settings)
    {
        try
        {
            CheckShape(settings);
            var app = Program.BuildHost(settings);
            try
            {
                await app.StartAsync();
                await app.WaitForShutdownAsync();
            }
            finally
            {
                await DisposeAsync(app);
            }

            return ExitCode.Done;
        }
        catch (ConfigurationException e)
        {
            return CommandLine.Fail(ExitCode.WrongUsage, e.Problems);
        }
        catch (EndpointUnavailableException e)
        {
            return CommandLine.Fail(e.IsInUse ? ExitCode.Failed : ExitCode.WrongUsage, e.Message);
        }
        catch (IOException e)
        {
            // Kestrel could listen on none of localhost's addresses.
            return CommandLine.Fail(ExitCode.Failed, e.Message);
        }
    }

    /// <summary>
    /// Writes what is left to be logged. Where nobody reads standard output that would take for ever, so it is given up
    /// in the end.
    /// </summary>
    private static async Task DisposeAsync(WebApplication app)
    {
        // The host's own handlers go with it; one more signal now must not change the exit code.
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = true);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        try
        {
            await Task.Run(async () => await app.DisposeAsync()).WaitAsync(LastLines);
        }
        catch (TimeoutException)
        {
            // Not by Console, all of which waits for the lock that the blocked write holds.
            const int standardError = 2;
            using var error = new FileStream(new SafeFileHandle(standardError, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            error.Write("EchoHost: the last log lines could not be written\n"u8);
        }
    }

    /// <summary>The framework would pass over what is no setting; here it is an error.</summary>
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
