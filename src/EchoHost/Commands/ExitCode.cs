namespace EchoHost.Commands;

/// <summary>The exit codes of the program.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>Something failed at run time, for example because another process has the port.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration can't be used.</summary>
    public const int WrongUsage = 2;
}
