namespace EchoHost.Commands;

/// <summary>How the program ends.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>Something failed while running, such as a port that another process has.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration can't be used.</summary>
    public const int WrongUsage = 2;
}
