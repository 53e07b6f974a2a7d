using System.CommandLine;
using System.Runtime.CompilerServices;
using EchoHost.Commands;
using EchoHost.Metrics;

/// <summary>The commands.</summary>
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
        var root = new RootCommand("A TCP echo peer for the people who run networks")
        {
            ServeCommand.Create(signals),
            SendCommand.Create(),
            LoadCommand.Create(),
            HealthCommand.Create(),
        };
        ServeCommand.Configure(root, signals);
        return await root.Parse(args).RunAsync();
    }
}
