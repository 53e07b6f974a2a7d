using System.CommandLine;
using System.CommandLine.Help;
using System.Text.RegularExpressions;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary>deploy/release/echohost.1 has the options of the commands, and no others.</summary>
public partial class ManualPageTests
{
    private const string Shared = "OPTIONS OF A CONNECTION";

    public static TheoryData<string> Commands => [.. Program.CreateRoot(signals: null).Subcommands.Select(command => command.Name)];

    [Theory]
    [MemberData(nameof(Commands))]
    public void The_page_has_the_options_of_a_command(string name)
    {
        var sections = Sections();
        Assert.True(sections.ContainsKey(name), $"the page has no section {name}");
        var command = Program.CreateRoot(signals: null).Subcommands.Single(c => c.Name == name);
        var options = Names(command.Options);
        var shared = options.IsSupersetOf(Options(sections[Shared])) ? Options(sections[Shared]) : [];
        Assert.Equal(shared.Count > 0, Regex.IsMatch(sections[Shared].Split(".TP")[0], $@"\b{name}\b"));
        Assert.Equal(options.Order(), Options(sections[name]).Union(shared).Order());
    }

    [Fact]
    public void The_page_has_every_command_and_the_options_of_the_program()
    {
        var sections = Sections();
        var root = Program.CreateRoot(signals: null);
        var documented = CommandSection().Matches(File.ReadAllText(Page())).Select(match => match.Groups[1].Value);
        Assert.Equal(root.Subcommands.Select(command => command.Name).Order(), documented.Order());
        // "/h" and "/?" are for Windows.
        var names = root.Options.SelectMany(option => option.Aliases.Prepend(option.Name)).Where(name => name[0] == '-');
        Assert.Equal(names.Order(), Options(sections["OTHER OPTIONS"]).Order());
    }

    /// <summary>The text of each section and subsection by its title.</summary>
    private static Dictionary<string, string> Sections()
    {
        var parts = Section().Split(File.ReadAllText(Page()).Replace(@"\-", "-", StringComparison.Ordinal));
        return parts.Skip(1).Chunk(2).ToDictionary(part => part[0], part => part[1], StringComparer.Ordinal);
    }

    private static HashSet<string> Names(IEnumerable<Option> options) =>
        [.. options.Where(option => option is not HelpOption && !option.Hidden).SelectMany(option => option.Aliases.Prepend(option.Name))];

    /// <summary>The options that paragraphs of a section are about.</summary>
    private static HashSet<string> Options(string section) =>
        [.. Paragraph().Matches(section).SelectMany(paragraph => OptionName().Matches(paragraph.Value)).Select(option => option.Value)];

    private static string Page()
    {
        var page = Repository.File("deploy/release/echohost.1");
        Assert.SkipUnless(File.Exists(page), "the sources are not where they were compiled");
        return page;
    }

    [GeneratedRegex(@"^\.S[HS] (.+)$", RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex(@"^\.SS (.+)$", RegexOptions.Multiline)]
    private static partial Regex CommandSection();

    [GeneratedRegex(@"(?<=^\.TP\n)\..+$", RegexOptions.Multiline)]
    private static partial Regex Paragraph();

    [GeneratedRegex(@"(?<![\w-])--?[\w?][\w-]*")]
    private static partial Regex OptionName();
}
