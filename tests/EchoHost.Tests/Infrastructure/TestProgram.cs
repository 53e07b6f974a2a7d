using System.Diagnostics;

namespace EchoHost.Tests.Infrastructure;

/// <summary>
/// The program that tests start as a process: the build beside them, or the file that the environment variable
/// <see cref="Variable"/> names. Classes and tests that start it have the trait <see cref="Trait"/> = <see cref="Category"/>.
/// </summary>
internal static class TestProgram
{
    public const string Variable = "ECHOHOST_TEST_PROGRAM";
    public const string Trait = "Category";
    public const string Category = "Program";

    private static readonly Lazy<bool> HasDefaultSignals = new(() => IsDone("--default-signal=INT", "true"));

    /// <summary>Whether the variable names it.</summary>
    public static bool IsGiven => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 };

    /// <summary>Where it is.</summary>
    public static string File
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } file)
            {
                return Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "EchoHost.exe" : "EchoHost");
            }

            Assert.True(System.IO.File.Exists(file), $"{Variable} is '{file}', which is not a file");
            return Path.GetFullPath(file);
        }
    }

    /// <summary>
    /// Starts <paramref name="file"/> with default signal handling. A process inherits the signals that its parent ignores,
    /// and a script's background jobs ignore SIGINT, which may include the tests. A shell can't undo that (POSIX forbids
    /// it); GNU's env can, and it then becomes the program, in the same process.
    /// </summary>
    public static ProcessStartInfo StartInfo(string file, params IEnumerable<string> args) =>
        HasDefaultSignals.Value
            ? new ProcessStartInfo("/usr/bin/env", ["--default-signal=HUP,INT,QUIT,PIPE,TERM", file, .. args])
            : new ProcessStartInfo(file, args);

    private static bool IsDone(params string[] args)
    {
        if (!System.IO.File.Exists("/usr/bin/env"))
        {
            return false;
        }

        using var env = Process.Start(new ProcessStartInfo("/usr/bin/env", args) { RedirectStandardError = true })!;
        env.StandardError.ReadToEnd();
        env.WaitForExit();
        return env.ExitCode == 0;
    }
}
