using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using EchoHost.Configuration;
using EchoHost.Text;

namespace EchoHost.Commands;

internal static class CommandLine
{
    /// <summary>The default output of commands: standard output and error.</summary>
    public static InvocationConfiguration Console => PrintingTo(new StandardOutput());

    /// <summary>Standard error is still the console's. The host and the commands handle their signals themselves.</summary>
    public static InvocationConfiguration PrintingTo(TextWriter output) =>
        new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = output };

    /// <summary>Runs what was parsed; what could not be parsed is one line a problem and exit code 2.</summary>
    public static Task<int> RunAsync(this ParseResult parsed, InvocationConfiguration console) => RunAsync(console, () =>
        parsed.Errors.Count > 0 ? Task.FromResult(Fail(console.Error, ExitCode.WrongUsage, parsed.Errors.Select(Words)))
        : parsed.Action is HelpAction ? HelpAsync(parsed, console)
        : parsed.InvokeAsync(console));

    private static async Task<int> HelpAsync(ParseResult parsed, InvocationConfiguration console)
    {
        using var help = new StringWriter();
        var code = await parsed.InvokeAsync(PrintingTo(help));
        var keys = ServeCommand.Explains(parsed.CommandResult.Command) ? $"\n\n{ServeCommand.Keys}" : "";
        console.Output.WriteLine(Plain(help.ToString()) + keys);
        return code;
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

    /// <summary>Runs a command; what it can't use or print is one line and an exit code.</summary>
    public static async Task<int> RunAsync(InvocationConfiguration console, Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (ConfigurationException e)
        {
            return Fail(console.Error, ExitCode.WrongUsage, e.Problems);
        }
        catch (InvalidDataException e)
        {
            return Fail(console.Error, ExitCode.Failed, e.Message);
        }
        catch (StandardOutputException e)
        {
            return Fail(console.Error, ExitCode.Failed, e.IsReaderGone ? [] : [$"standard output can't be written: {e.Message}"]);
        }
    }

    /// <summary>Prints each problem as one line on standard error, with control characters escaped, and returns the exit code.</summary>
    public static int Fail(int exitCode, params IEnumerable<string> problems) => Fail(System.Console.Error, exitCode, problems);

    /// <summary>The same, on what stands in the place of standard error.</summary>
    public static int Fail(TextWriter error, int exitCode, params IEnumerable<string> problems)
    {
        try
        {
            foreach (var problem in problems)
            {
                error.WriteLine($"EchoHost: {ControlCharacters.Escape(problem)}");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Standard error is closed or full; the exit code still reports the failure.
        }

        return exitCode;
    }
}
