using System.Runtime.CompilerServices;

namespace EchoHost.Tests.Infrastructure;

/// <summary>The files of the repository that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>The path of a file, from its path in the repository.</summary>
    public static string File(string path) => Path.Combine(Root, path);

    /// <summary>The path of its folder.</summary>
    public static string Root => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "../../.."));

    private static string Here([CallerFilePath] string here = "") => here;
}
