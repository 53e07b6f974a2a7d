using System.Globalization;
using EchoHost.Configuration;
using EchoHost.Peers.Mesh;
using Microsoft.Extensions.Configuration;

namespace EchoHost.Tests.Peers.Mesh;

public class MeshOptionsTests
{
    [Fact]
    public void Without_peers_there_is_nothing_to_do()
    {
        var settings = Read(targets: [], names: []);
        Assert.True(settings.IsEmpty);
        Assert.Equal(0, settings.MaxDescriptors);
    }

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(ProbeSchedule.MaxProbes, 0, ProbeSchedule.MaxProbes)]
    [InlineData(500, 0, ProbeSchedule.MaxProbes)]
    [InlineData(0, 1, ProbeSchedule.MaxProbes)]
    [InlineData(3, 1, ProbeSchedule.MaxProbes)]
    public void Descriptors_are_set_aside_for_as_many_probes_as_there_can_be(int targets, int names, int descriptors)
    {
        var settings = Read([.. Enumerable.Range(1, targets).Select(i => $"10.0.0.2:{i}")], [.. Enumerable.Range(1, names).Select(i => $"echo{i}:5555")]);
        Assert.False(settings.IsEmpty);
        Assert.Equal(descriptors, settings.MaxDescriptors);
    }

    [Theory]
    [InlineData("Targets")]
    [InlineData("Dns")]
    public void Each_key_names_a_peer_once(string key)
    {
        string[] texts = ["echo.example:5555", "echo.example:5556", "TLS://ECHO.example:5555", "nonsense"];
        Read([.. Keys(key, texts)], out var problems);
        Assert.Equal(
            [$"Peers:{key}:2 is 'TLS://ECHO.example:5555', which is there already", $"Peers:{key}:3 is 'nonsense': expected HOST:PORT or tls://HOST:PORT"],
            problems);
    }

    [Fact]
    public void The_two_keys_may_name_the_same() => Read(["echo.example:5555"], ["echo.example:5555"]);

    [Theory]
    [InlineData("00:00:00.1", "00:00:00.001", 8)]
    [InlineData("24.00:00:00", "24.00:00:00", 1024 * 1024)]
    public void The_bounds_themselves_are_allowed(string interval, string timeout, int payload) =>
        Assert.Empty(Problems(interval, timeout, payload));

    [Theory]
    [InlineData("00:00:00.0999999", "00:00:05", 64, "Peers:Interval is '00:00:00.0999999'; expected 00:00:00.1000000 to 24.00:00:00")]
    [InlineData("24.00:00:00.0000001", "00:00:05", 64, "Peers:Interval is '24.00:00:00.0000001'; expected 00:00:00.1000000 to 24.00:00:00")]
    [InlineData("00:00:10", "-00:00:01", 64, "Peers:Timeout is '-00:00:01'; expected 00:00:00.0010000 to 24.00:00:00")]
    [InlineData("00:00:10", "00:00:05", 7, "Peers:PayloadBytes is '7'; expected 8 to 1048576")]
    [InlineData("00:00:10", "00:00:05", 1048577, "Peers:PayloadBytes is '1048577'; expected 8 to 1048576")]
    public void Past_them_the_key_and_the_value_are_named(string interval, string timeout, int payload, string problem) =>
        Assert.Equal(problem, Assert.Single(Problems(interval, timeout, payload)));

    [Theory]
    [InlineData("Fanout", "1", null)]
    [InlineData("Fanout", "2147483647", null)]
    [InlineData("Fanout", "0", "Peers:Fanout is '0'; expected 1 or more")]
    [InlineData("Fanout", "all", "Peers:Fanout is 'all'; expected a whole number")]
    [InlineData("HttpPort", "1", null)]
    [InlineData("HttpPort", "65535", null)]
    [InlineData("HttpPort", "0", "Peers:HttpPort is '0'; expected 1 to 65535")]
    [InlineData("HttpPort", "65536", "Peers:HttpPort is '65536'; expected 1 to 65535")]
    public void A_number_out_of_bounds_is_refused(string key, string value, string? problem)
    {
        Read([(key, value)], out var problems);
        Assert.Equal(problem is null ? [] : [problem], problems);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(3, 0, 3 + 16)]
    [InlineData(0, 1, ProbeSchedule.MaxProbes + 16)]
    public void Descriptors_are_set_aside_for_asking_the_fleet(int targets, int names, int descriptors)
    {
        var settings = Read([.. Enumerable.Range(1, targets).Select(i => $"10.0.0.2:{i}")], [.. Enumerable.Range(1, names).Select(i => $"echo{i}:5555")]);
        Assert.Equal(descriptors, (settings with { HttpPort = 8080 }).MaxDescriptors);
    }

    private static IReadOnlyList<string> Problems(string interval, string timeout, int payload)
    {
        Read([("Interval", interval), ("Timeout", timeout), ("PayloadBytes", payload.ToString(CultureInfo.InvariantCulture))], out var problems);
        return problems;
    }

    private static MeshOptions Read(IReadOnlyList<string> targets, IReadOnlyList<string> names)
    {
        var options = Read([.. Keys("Targets", targets), .. Keys("Dns", names)], out var problems);
        Assert.Empty(problems);
        return options;
    }

    private static MeshOptions Read((string Key, string Value)[] keys, out IReadOnlyList<string> problems)
    {
        var settings = keys.Select(key => KeyValuePair.Create($"{MeshOptions.SectionName}:{key.Key}", (string?)key.Value));
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        var found = new ConfigurationProblems();
        var options = SectionReader.Read(configuration, MeshOptions.SectionName, MeshOptions.Read, found);
        problems = found.Lines;
        return options;
    }

    private static IEnumerable<(string Key, string Value)> Keys(string list, IReadOnlyList<string> values) =>
        values.Select((value, i) => ($"{list}:{i}", value));
}
