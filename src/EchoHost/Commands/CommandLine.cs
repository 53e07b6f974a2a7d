using System.CommandLine;
using EchoHost.Configuration;

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

        return Fail(ExitCode.WrongUsage, parsed.Errors.Select(error => error.Message));
    }

    /// <summary>Runs a command; what it can't use or print is one line and an exit code.</summary>
    public static async Task<int> RunAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (ConfigurationException e)
        {
            return Fail(ExitCode.WrongUsage, e.Problems);
        }
        catch (InvalidDataException e)
        {
            return Fail(ExitCode.Failed, e.Message);
        }
        catch (StandardOutputException e)
        {
            return Fail(ExitCode.Failed, e.IsNobodyThere ? [] : [$"standard output can't be written: {e.Message}"]);
        }
    }

    /// <summary>Says each problem in one line on standard error, whatever is in it, and returns the exit code.</summary>
    public static int Fail(int exitCode, params IEnumerable<string> problems)
    {
        try
        {
            foreach (var problem in problems)
            {
                Console.Error.WriteLine($"EchoHost: {string.Concat(problem.Select(c => char.IsControl(c) ? $"\\x{(int)c:x2}" : c.ToString()))}");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Standard error is closed or full; the exit code says it too.
        }

        return exitCode;
    }
}
