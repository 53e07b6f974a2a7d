using System.Net;
using EchoHost.Configuration;
using EchoHost.Connections.Faults;
using Microsoft.Extensions.Configuration;

namespace EchoHost.Tests.Connections.Faults;

public class FaultOptionsTests
{
    [Fact]
    public void Nothing_is_no_fault() => Assert.Null(Read([], out _));

    [Fact]
    public void All_keys_are_told_in_words()
    {
        var options = Read(
            [
                ("Share", "0.25"), ("Seed", "7"), ("Networks:0", "192.0.2.0/24"), ("Networks:1", "2001:db8::1"), ("Delay", "200ms"), ("Jitter", "00:00:00.050"),
                ("BytesPerSecond", "1000"), ("SliceBytes", "1"), ("CloseAfterBytes", "0"), ("CloseAfter", "1m"), ("ResetAfterBytes", "1000"),
                ("ResetAfter", "1.5s"), ("Silent", "true"), ("Stalled", "true"), ("CorruptEvery", "10"),
            ],
            out var problems);
        Assert.Empty(problems);
        Assert.Equal(
            "delay 200ms, jitter 50ms, 1000 bytes a second, slices of 1 byte, close after 0 bytes, close after 1m, reset after 1000 bytes, "
                + "reset after 1500ms, silent, stalled, a wrong bit in each 10 bytes, for a share of 0.25, for clients from 192.0.2.0/24 2001:db8::1",
            options!.ToString());
        Assert.Equal(11, options.Faults.Count);
        Assert.True(options.Concerns(IPAddress.Parse("192.0.2.9")));
        Assert.False(options.Concerns(IPAddress.Parse("192.0.3.9")));
        Assert.False(options.Concerns(null));
    }

    [Theory]
    [InlineData("Delay", "soon", "Faults:Delay is 'soon'; expected a time as in 500ms, 30s, 2m, 1h or 00:00:30")]
    [InlineData("Delay", "2h", "Faults:Delay is '2h'; expected 1ms to 1h")]
    [InlineData("Share", "1.5", "Faults:Share is '1.5'; expected a share from 0 to 1")]
    [InlineData("Share", "-0.1", "Faults:Share is '-0.1'; expected a share from 0 to 1")]
    [InlineData("SliceBytes", "0", "Faults:SliceBytes is '0'; expected 1 or more")]
    [InlineData("BytesPerSecond", "fast", "Faults:BytesPerSecond is 'fast'; expected a whole number")]
    [InlineData("Networks:0", "10.0.0.0/33", "Faults:Networks:0 is '10.0.0.0/33'; expected a network as in 10.0.0.0/8")]
    [InlineData("Silent", "yes", "Faults:Silent is 'yes'; expected true or false")]
    [InlineData("Seed", "7", "Faults chooses connections, but names no fault")]
    public void A_mistake_names_key_and_value(string key, string value, string problem)
    {
        Read([(key, value)], out var problems);
        Assert.Contains(problem, problems);
    }

    [Fact]
    public void An_unknown_key_is_a_mistake()
    {
        Read([("Latency", "200ms")], out var problems);
        Assert.StartsWith(
            "Faults:Latency is not a key that this host knows (value '200ms'); Faults has Share, Networks, ", problems[^1], StringComparison.Ordinal);
    }

    private static FaultOptions? Read((string Key, string Value)[] keys, out IReadOnlyList<string> problems)
    {
        var settings = keys.Select(key => KeyValuePair.Create($"{FaultOptions.SectionName}:{key.Key}", (string?)key.Value));
        var found = new ConfigurationProblems();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        var options = SectionReader.Read(configuration, FaultOptions.SectionName, FaultOptions.ReadOrNone, found);
        problems = found.Lines;
        return options;
    }
}
