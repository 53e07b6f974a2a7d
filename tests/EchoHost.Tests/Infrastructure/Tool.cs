namespace EchoHost.Tests.Infrastructure;

/// <summary>Programs that some tests need besides the .NET SDK. If one is missing, the test is skipped, or fails in CI.</summary>
internal static class Tool
{
    /// <summary>The path of a program; skips the test, or fails it in CI, if it is missing.</summary>
    public static string Need(string name)
    {
        if (Find(name) is { } path)
        {
            return path;
        }

        Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", $"{name} is not installed");
        Assert.Fail($"{name} is not installed");
        return "";
    }

    /// <summary>The path of a program, or null if it is not installed.</summary>
    public static string? Find(string name)
    {
        if (Path.IsPathRooted(name) && File.Exists(name))
        {
            return name;
        }

        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin");
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }
}
