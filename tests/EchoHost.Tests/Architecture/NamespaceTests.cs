using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace EchoHost.Tests.Architecture;

/// <summary>The dependency rule of docs/design.md: a namespace uses those below it, without cycles.</summary>
public partial class NamespaceTests
{
    /// <summary>No namespace of the sources depends on itself.</summary>
    [Fact]
    public void No_namespaces_use_each_other_in_a_circle()
    {
        var graph = NamespaceGraph.Read(SourceFiles().Select(File.ReadAllText));
        Assert.Contains("EchoHost.Hosting", graph.Namespaces);
        Assert.Contains("Kestrel.Epoll", graph.Namespaces);
        Assert.Equal([], graph.Circles());
    }

    [Fact]
    public void The_libraries_know_nothing_of_the_host()
    {
        var graph = NamespaceGraph.Read(SourceFiles().Select(File.ReadAllText));
        Assert.All(["Kestrel.Epoll", "Kestrel.ProxyProtocol"], library => Assert.Equal([], graph.Uses(library)));
    }

    /// <summary>Only the composition and the code that starts it use the whole configuration.</summary>
    [Fact]
    public void Only_the_commands_stand_above_the_composition()
    {
        var graph = NamespaceGraph.Read(SourceFiles().Select(File.ReadAllText));
        Assert.Equal(["EchoHost.Commands"], graph.Namespaces.Where(name => graph.Uses(name).Contains("EchoHost.Hosting")));
    }

    [Theory]
    [InlineData("using A.C; namespace A.B; class X;", "using A.B; namespace A.C; class Y;")]
    [InlineData("namespace A.B; class X : A.C.Y;", "using A.B; namespace A.C; class Y;")]
    [InlineData("using static A.C.Y; namespace A.B; class X;", "namespace A.C; using Z = A.B.X; class Y;")]
    public void A_circle_is_found(params string[] files) => Assert.Equal(["A.B → A.C → A.B"], NamespaceGraph.Read(files).Circles());

    [Fact]
    public void A_namespace_sees_those_around_it_without_a_using() =>
        Assert.Equal(["A → A.B → A"], NamespaceGraph.Read(["namespace A; using A.B; class X;", "namespace A.B; class Y;"]).Circles());

    [Fact]
    public void Comments_and_one_way_are_no_circle() =>
        Assert.Equal(
            [],
            NamespaceGraph.Read(["using A.C; namespace A.B; class X;", "namespace A.C; // not A.B.X\n/// <see cref=\"A.B.X\"/>\nclass Y;"]).Circles());

    private static IEnumerable<string> SourceFiles([CallerFilePath] string here = "")
    {
        var root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "src"));
        Assert.SkipUnless(Directory.Exists(root), $"the sources are not at {root}");
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories).Where(path => !Generated().IsMatch(path));
    }

    [GeneratedRegex("[/\\\\](obj|bin)[/\\\\]")]
    private static partial Regex Generated();
}
