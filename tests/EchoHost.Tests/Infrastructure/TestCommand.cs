using EchoHost.Commands;

namespace EchoHost.Tests.Infrastructure;

/// <summary>
/// A command such as <c>send</c>, in this process, which spares the start of another; or the file that <see cref="TestProgram.Variable"/>
/// names, as a process. For what belongs to a process, such as signals and standard input, there is <see cref="EchoHostProcess"/>.
/// </summary>
internal static class TestCommand
{
    /// <summary>Runs it to its end.</summary>
    /// <returns>The exit code, and the lines that it printed.</returns>
    public static async Task<(int Code, string[] Output, string[] Errors)> RunAsync(params string[] args)
    {
        if (TestProgram.IsGiven)
        {
            using var program = EchoHostProcess.Start(args);
            var exit = await program.WaitForExitAsync();
            return (exit, [.. program.Output], [.. program.Errors]);
        }

        using StringWriter output = new(), errors = new();
        var console = CommandLine.PrintingTo(output);
        console.Error = errors;
        var code = await Program.RunAsync(args, signals: null, console).WaitAsync(Wait.Limit);
        return (code, Lines(output), Lines(errors));
    }

    /// <summary>
    /// Whether <c>load</c> ended any message, by its output in either form. In a short test, a machine that pauses may end none; then it
    /// is run again for longer (<see cref="Wait.PatientlyAsync"/>).
    /// </summary>
    public static bool HasLoaded(IEnumerable<string> output) => !output.Any(
        line => line.StartsWith("{\"messages\":0,", StringComparison.Ordinal) || line.StartsWith("0 messages ", StringComparison.Ordinal));

    private static string[] Lines(StringWriter text) => text.ToString() is { Length: > 0 } all ? all.TrimEnd('\n').Split('\n') : [];
}
