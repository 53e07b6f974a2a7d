using System.Globalization;
using EchoHost.Configuration;
using EchoHost.Peers.Mesh;
using Microsoft.Extensions.Configuration;

namespace EchoHost.Tests.Peers.Mesh;

public class MeshSettingsTests
{
    [Fact]
    public void Without_peers_there_is_nothing_to_do()
    {
        var settings = Read(new PeersOptions());
        Assert.True(settings.IsEmpty);
        Assert.Equal(0, settings.MaxDescriptors);
    }

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(MeshSettings.MaxProbes, 0, MeshSettings.MaxProbes)]
    [InlineData(500, 0, MeshSettings.MaxProbes)]
    [InlineData(0, 1, MeshSettings.MaxProbes)]
    [InlineData(3, 1, MeshSettings.MaxProbes)]
    public void Descriptors_are_set_aside_for_as_many_probes_as_there_can_be(int targets, int names, int descriptors)
    {
        var settings = Read(new PeersOptions { Targets = [.. Enumerable.Range(1, targets).Select(i => $"10.0.0.2:{i}")], Dns = [.. Enumerable.Range(1, names).Select(i => $"echo{i}:5555")] });
        Assert.False(settings.IsEmpty);
        Assert.Equal(descriptors, settings.MaxDescriptors);
    }

    [Theory]
    [InlineData("Targets")]
    [InlineData("Dns")]
    public void Each_key_names_a_peer_once(string key)
    {
        string[] texts = ["echo.example:5555", "echo.example:5556", "TLS://ECHO.example:5555", "nonsense"];
        var options = key == "Dns" ? new PeersOptions { Dns = texts } : new PeersOptions { Targets = texts };
        Assert.Equal(
            [$"Peers:{key}:2 is 'TLS://ECHO.example:5555', which is there already", $"Peers:{key}:3 is 'nonsense': expected HOST:PORT or tls://HOST:PORT"],
            Problems(options));
    }

    [Fact]
    public void The_two_keys_may_name_the_same() => Read(new PeersOptions { Targets = ["echo.example:5555"], Dns = ["echo.example:5555"] });

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

    private static List<string> Problems(string interval, string timeout, int payload)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Peers:Interval"] = interval,
            ["Peers:Timeout"] = timeout,
            ["Peers:PayloadBytes"] = payload.ToString(CultureInfo.InvariantCulture),
        }).Build();
        List<string> problems = [];
        SectionReader.Read(configuration, PeersOptions.SectionName, PeersOptions.Read, problems);
        return problems;
    }

    private static MeshSettings Read(PeersOptions options)
    {
        List<string> problems = [];
        var settings = MeshSettings.From(options, problems);
        Assert.Empty(problems);
        return settings;
    }

    private static List<string> Problems(PeersOptions options)
    {
        List<string> problems = [];
        MeshSettings.From(options, problems);
        return problems;
    }
}
