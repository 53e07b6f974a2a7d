using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using EchoHost.Configuration;

namespace EchoHost.Commands;

internal static class CommandLine
{
    /// <summary>Runs a parsed command line. Parse errors are printed, one line each, with exit code 2.</summary>
    public static async Task<int> RunAsync(this ParseResult parsed)
    {
        if (parsed.Errors.Count == 0)
        {
            // The host handles its signals itself. Help and version are written below, so that a failed write is reported.
            using var help = new StringWriter();
            var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = help };
            var code = await parsed.InvokeAsync(invocation);
            return help.GetStringBuilder().Length == 0 ? code : await RunAsync(() =>
            {
                var isHosts = parsed.Action is HelpAction && ServeCommand.Explains(parsed.CommandResult.Command);
                StandardOutput.WriteLine(Plain(help.ToString()) + (isHosts ? $"\n\n{ServeCommand.Keys}" : ""));
                return Task.FromResult(code);
            });
        }

        return Fail(ExitCode.WrongUsage, parsed.Errors.Select(Words));
    }

    /// <summary>Corrects the parser's text for extra arguments, which here are settings: it has a bracket too many.</summary>
    private static string Plain(string help)
    {
        const string heading = "Additional Arguments:";
        var settings = help.IndexOf(heading, StringComparison.Ordinal);
        return (settings < 0 ? help : help[..settings]).Replace("[[--] <additional arguments>...]]", "[--Key=Value …]", StringComparison.Ordinal).TrimEnd();
    }

    private static string Words(ParseError error) => error.SymbolResult switch
    {
        ArgumentResult { Parent: OptionResult option, Tokens.Count: 0 } => $"{option.Option.Name} has no value",
        ArgumentResult { Tokens.Count: 0 } argument => $"{argument.Argument.Name} is missing",
        OptionResult { Tokens.Count: 0 } option when !option.Implicit => $"{option.Option.Name} has no value",
        CommandResult command when FirstMissing(command) is { } missing => $"{missing.Name} is missing",
        _ => error.Message,
    };

    private static Argument? FirstMissing(CommandResult command) => command.Command.Arguments.FirstOrDefault(argument =>
        argument.Arity.MinimumNumberOfValues > 0 && command.GetResult(argument) is null or { Tokens.Count: 0 });

    /// <summary>Runs a command; turns its exceptions into one line each and an exit code.</summary>
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

    /// <summary>
    /// Prints each problem as one line on standard error, with control characters escaped. Returns the exit code.
    /// </summary>
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
            // Standard error is closed or full; the exit code still reports the failure.
        }

        return exitCode;
    }
}
