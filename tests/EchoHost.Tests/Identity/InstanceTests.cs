using EchoHost.Configuration;
using EchoHost.Identity;
using Microsoft.Extensions.Configuration;

namespace EchoHost.Tests.Identity;

public class InstanceTests
{
    [Fact]
    public void By_default_it_has_the_machines_name_and_no_labels()
    {
        var instance = Read([], out var problems);
        Assert.Equal((Environment.MachineName, 0), (instance.Name, instance.Labels.Count));
        Assert.Empty(problems);
    }

    [Fact]
    public void Labels_are_sorted_by_key()
    {
        var instance = Read([("Name", "echo-1"), ("Labels:zone", "b"), ("Labels:app.kubernetes.io/part-of", "echo"), ("Labels:_x", "")], out var problems);
        Assert.Empty(problems);
        Assert.Equal("echo-1", instance.Name);
        Assert.Equal([("_x", ""), ("app.kubernetes.io/part-of", "echo"), ("zone", "b")], instance.Labels.Select(label => (label.Key, label.Value)));
    }

    [Theory]
    [InlineData("Name", "echo\n1", "Instance:Name is 'echo\n1'; expected text without control characters")]
    [InlineData("Labels:version", "2", "Instance:Labels:version is '2'; the host sets this label itself; give it another name")]
    [InlineData("Labels:le", "2", "Instance:Labels:le is '2'; Prometheus reserves this label; give it another name")]
    [InlineData("Labels:__x", "2", "Instance:Labels:__x is '2'; Prometheus reserves this label; give it another name")]
    [InlineData(
        "Labels:1st", "x", "Instance:Labels:1st is 'x'; a label's key has 1 to 63 letters, digits, '_', '-', '.' and '/', and begins with a letter or '_'")]
    [InlineData("Labels:zone", "\t", "Instance:Labels:zone is '\t'; expected text without control characters")]
    [InlineData("Labels:zone:a", "x", "Instance:Labels:zone holds keys of its own; expected text")]
    [InlineData("Labels:", "x", "Instance:Labels: is 'x'; a label's key has 1 to 63 letters, digits, '_', '-', '.' and '/', and begins with a letter or '_'")]
    [InlineData("Label", "x", "Instance:Label is not a key that this host knows (value 'x'); Instance has Name, Labels")]
    public void A_mistake_names_key_and_value(string key, string value, string problem)
    {
        Read([(key, value)], out var problems);
        Assert.Equal(problem, Assert.Single(problems));
    }

    [Fact]
    public void Two_labels_that_metrics_could_not_tell_apart_are_a_mistake()
    {
        Read([("Labels:a.b", "1"), ("Labels:a_b", "2"), ("Labels:a_c", "3")], out var problems);
        Assert.Equal(["Instance:Labels:a_b is '2'; in metrics it would be the same label as a.b"], problems);
    }

    [Fact]
    public void There_are_bounds()
    {
        Read([("Name", new string('x', 257)), .. Enumerable.Range(0, 33).Select(i => ($"Labels:l{i}", "x"))], out var problems);
        Assert.Equal(2, problems.Count);
        Assert.EndsWith("expected at most 256 characters", problems[0], StringComparison.Ordinal);
        Assert.Equal("Instance:Labels has 33 labels; expected at most 32", problems[1]);
    }

    private static Instance Read((string Key, string Value)[] keys, out IReadOnlyList<string> problems)
    {
        var settings = keys.Select(key => KeyValuePair.Create($"{Instance.SectionName}:{key.Key}", (string?)key.Value));
        var found = new ConfigurationProblems();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        var instance = SectionReader.Read(configuration, Instance.SectionName, Instance.Read, found);
        problems = found.Lines;
        return instance;
    }
}
