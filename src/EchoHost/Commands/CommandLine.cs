using System.CommandLine;


namespace EchoHost.Commands;

internal static class CommandLine
{
    /// <summary>Runs what was parsed; what could not be parsed is one line a problem and exit code 2.</summary>
    public static async Task<int> RunAsync(this ParseResult parsed)
    {
        if (parsed.Errors.Count == 0)
        {
            // The host handles its signals itself.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }

        foreach (var error in parsed.Errors)
        {
            await Console.Error.WriteLineAsync($"EchoHost: {error.Message}");
        }

        return ExitCode.WrongUsage;
    }
}
