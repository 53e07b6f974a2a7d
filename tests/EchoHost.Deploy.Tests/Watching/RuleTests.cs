using System.Text.RegularExpressions;
using EchoHost.Deploy.Tests.Infrastructure;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Watching;

/// <summary>The rules of deploy/prometheus as promtool sees them, and what the documents say of them.</summary>
public sealed partial class RuleTests
{
    public static TheoryData<string> TestFiles => [.. RuleFiles.Tests.Select(file => Path.GetFileName(file)!)];

    public static TheoryData<string> AlertNames => [.. RuleFiles.Alerts.Select(alert => alert.Name)];

    [Fact]
    public Task Promtool_accepts_the_rules() => PromtoolAsync(["check", "rules", .. RuleFiles.Rules]);

    [Theory]
    [MemberData(nameof(TestFiles))]
    public Task Their_unit_tests_pass(string file) => PromtoolAsync(["test", "rules", Repository.File($"deploy/prometheus/tests/{file}")]);

    /// <summary>
    /// quiet.yml says that four things raise no alert. That it can fail: without patience they do, as the alerts that were
    /// only pending in it then fire.
    /// </summary>
    [Fact]
    public async Task Without_patience_a_rolling_update_would_raise_alerts()
    {
        var folder = Directory.CreateTempSubdirectory("echohost-rules");
        try
        {
            var rules = folder.CreateSubdirectory("rules").FullName;
            var tests = folder.CreateSubdirectory("tests").FullName;
            File.Copy(Repository.File("deploy/prometheus/tests/quiet.yml"), $"{tests}/quiet.yml");
            foreach (var file in RuleFiles.Rules)
            {
                await File.WriteAllTextAsync(Path.Combine(rules, Path.GetFileName(file)), For().Replace(await File.ReadAllTextAsync(file), ""));
            }

            var (code, output, errors) = await ToolProcess.RunAsync("promtool", "test", "rules", $"{tests}/quiet.yml");
            Assert.NotEqual(0, code);
            string[] alerts = ["EchoHostDown", "EchoHostFull", "EchoHostVersions", "EchoPeerDown", "EchoPeerLoss"];
            Assert.All(alerts, alert => Assert.Contains(alert, output + errors, StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(AlertNames))]
    public void An_alert_has_a_severity_a_summary_and_what_to_do(string name)
    {
        var (_, rule) = Assert.Single(RuleFiles.Alerts, alert => alert.Name == name);
        Assert.Matches(Severity(), rule);
        Assert.Matches("(?m)^ +summary: \".+\"$", rule);
        Assert.Matches("(?m)^ +description: >-\n +\\S.{60,}$", rule);
    }

    /// <summary>In quiet.yml no alert at all may fire, so that each needs a test of its own only of its firing.</summary>
    [Theory]
    [MemberData(nameof(AlertNames))]
    public void An_alert_has_a_unit_test_in_which_it_fires(string name)
    {
        var tests = string.Join('\n', RuleFiles.Tests.Where(file => Path.GetFileName(file) != "quiet.yml").Select(File.ReadAllText));
        var fires = tests.Contains($"alertname: {name}\n        exp_alerts:\n", StringComparison.Ordinal)
            || Regex.IsMatch(tests, $@"labels: '\{{alertname=""{name}""[^}}]*\}}'\n +value: [1-9]");
        Assert.True(fires, $"no unit test expects {name} to fire");
    }

    [Fact]
    public void The_readme_lists_each_alert_with_its_severity()
    {
        var rows = Row().Matches(File.ReadAllText(Repository.File("deploy/prometheus/README.md"))).Select(row => (row.Groups[1].Value, row.Groups[2].Value));
        Assert.Equal(RuleFiles.Alerts.Select(alert => (alert.Name, Severity().Match(alert.Text).Groups[1].Value)).Order(), rows.Order());
    }

    [Fact]
    public void The_documents_quote_the_rules_as_they_are()
    {
        var rules = RuleFiles.Rules.Select(file => Unindented(File.ReadAllText(file))).ToList();
        var quotes =
            from file in Directory.EnumerateFiles(Repository.File("docs"), "*.md")
            from block in Block().Matches(File.ReadAllText(file)).Select(block => Unindented(block.Value).Trim())
            where block.Contains("- alert:", StringComparison.Ordinal) || block.Contains("- record:", StringComparison.Ordinal)
            select (Document: Path.GetFileName(file), Text: block);
        Assert.NotEmpty(quotes);
        Assert.All(
            quotes,
            quote => Assert.True(
                rules.Any(text => text.Contains($"\n{quote.Text}\n", StringComparison.Ordinal)),
                $"{quote.Document} quotes what no rule says:\n{quote.Text}"));
    }

    private static async Task PromtoolAsync(string[] arguments)
    {
        var (code, output, errors) = await ToolProcess.RunAsync("promtool", arguments);
        Assert.True(code == 0, output + errors);
    }

    /// <summary>Compares lines rather than how deep they stand, which differs between a document and a file.</summary>
    private static string Unindented(string text) => Indentation().Replace(text, "");

    [GeneratedRegex("^ +severity: (critical|warning|info)$", RegexOptions.Multiline)]
    private static partial Regex Severity();

    [GeneratedRegex(@"^\| `(Echo\w+)` \| (\w+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"(?:^    .*\n)+", RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex("^ +", RegexOptions.Multiline)]
    private static partial Regex Indentation();

    [GeneratedRegex(@"^ +for: .*\n", RegexOptions.Multiline)]
    private static partial Regex For();
}
