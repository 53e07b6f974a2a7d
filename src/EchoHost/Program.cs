using System.CommandLine;
using System.Runtime.CompilerServices;
using EchoHost.Commands;
using EchoHost.Metrics;

/// <summary>The entry point: starts the host or runs another command.</summary>
internal sealed partial class Program
{
    private static int Main(string[] args)
    {
        var isHost = ServeCommand.IsMeant(args);
        return StartConditions.Check(isHost) is var code and not ExitCode.Done ? code : Run(args, isHost);
    }

    /// <summary>
    /// Runs the program. Not inlined, so that its dependencies are loaded only after the start conditions are checked.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Run(string[] args, bool isHost)
    {
        // Register first: a signal may come at any moment, and the rest takes time.
        var signals = isHost ? new HostSignals() : null;
        // Services and containers pass no arguments: then there is nothing to parse, and no parser to load.
        var running = args switch
        {
            [] => ServeCommand.RunAsync([], signals!),
            ["--version"] => CommandLine.RunAsync(CommandLine.Console, ShowVersion),
            _ => RunAsync(args, signals, CommandLine.Console),
        };
        var code = running.GetAwaiter().GetResult();
        GC.KeepAlive(signals);
        return code;
    }

    /// <summary>Prints the version as the parser would, but faster, for scripts that call it often.</summary>
    private static Task<int> ShowVersion()
    {
        CommandLine.Console.Output.WriteLine(EchoMetrics.Version);
        return Task.FromResult(ExitCode.Done);
    }

    /// <summary>Runs the command that the arguments name.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="signals">What tells the host to stop, where that is listened to already.</param>
    /// <param name="console">Where the command prints.</param>
    internal static async Task<int> RunAsync(string[] args, HostSignals? signals, InvocationConfiguration console) =>
        await CreateRoot(signals).Parse(args).RunAsync(console);

    /// <summary>The commands with their options.</summary>
    internal static RootCommand CreateRoot(HostSignals? signals)
    {
        var root = new RootCommand("A TCP echo peer for the people who run networks")
        {
            ServeCommand.Create(signals),
            SendCommand.Create(),
            LoadCommand.Create(),
            WhoCommand.Create(),
            HoldCommand.Create(),
            HealthCommand.Create(),
        };
        ServeCommand.Configure(root, signals);
        return root;
    }
}
