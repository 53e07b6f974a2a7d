using System.Text.Json;
using EchoHost.Tests.Infrastructure;
using EchoHost.Tests.Peers.Mesh;

namespace EchoHost.Tests.Connections.Faults;

/// <summary>What this program's own clients call each fault: the table in docs/faults.md.</summary>
public class FaultsAndClientsTests
{
    [Theory]
    [InlineData("Delay=200ms", "ok", "ok", "survived", "ok")]
    [InlineData("Delay=200ms, Jitter=20ms", "ok", "ok", "survived", "ok")]
    [InlineData("BytesPerSecond=1000", "ok", "ok", "survived", "ok")]
    [InlineData("SliceBytes=10", "ok", "ok", "survived", "ok")]
    [InlineData("CloseAfterBytes=10", "closed", "closed", "closed", "closed")]
    [InlineData("CloseAfter=200ms", "closed", "closed", "closed", "ok")]
    [InlineData("ResetAfterBytes=10", "reset", "reset", "reset", "reset")]
    [InlineData("ResetAfter=200ms", "reset", "reset", "reset", "ok")]
    [InlineData("Silent=true", "timeout", "timeout", "timeout", "timeout")]
    [InlineData("Stalled=true", "timeout", "timeout", "timeout", "timeout")]
    [InlineData("CorruptEvery=10", "mismatch", "mismatch", "mismatch", "mismatch")]
    public async Task Each_client_names_each_fault(string faults, string send, string load, string hold, string mesh)
    {
        var document = await File.ReadAllTextAsync(Repository.File("docs/faults.md"));
        Assert.Contains($"| `{faults}` | {send} | {load} | {hold} | {mesh} |", document, StringComparison.Ordinal);
        string[] settings = [.. faults.Split(", ").Select(fault => $"Echo:Endpoints:Tcp:Faults:{fault}")];
        await using var host = await EchoHostFixture.StartAsync(settings);
        var address = host.Tcp.ToString()!;
        var timeout = send == "timeout" ? "500ms" : "1m";
        var isTimed = faults.Contains("After=", StringComparison.Ordinal);
        await Wait.UntilAsync(
            async () =>
            {
                var (_, output, _) = await TestCommand.RunAsync(
                    "send", address, "Hello, opencode.space!", "--count", "2", "--interval", "600ms", "--timeout", timeout, "--json");
                var result = JsonDocument.Parse(output[^1]).RootElement.GetProperty("result").GetString();
                // On a busy machine the first message may meet the end; then the second is the first of a new connection.
                Assert.True(result == send || (isTimed && result == "ok"), result);
                return result == send;
            },
            $"send says {send}");

        var (_, output, _) = await TestCommand.RunAsync("load", address, "--connections", "2", "--duration", "700ms", "--timeout", timeout, "--json");
        var result = JsonDocument.Parse(output[^1]).RootElement;
        var errors = result.GetProperty("errors").EnumerateObject().Select(error => error.Name);
        Assert.Equal(load == "ok" ? [] : [load], errors);
        if (faults.StartsWith("Delay", StringComparison.Ordinal))
        {
            Assert.True(result.GetProperty("latencyMicroseconds").GetProperty("p50").GetDouble() >= 180_000);
        }

        (_, output, _) = await TestCommand.RunAsync("hold", address, "--idle", "600ms", "--timeout", timeout, "--json");
        Assert.Equal(hold, JsonDocument.Parse(output[0]).RootElement.GetProperty("result").GetString());

        // On a busy machine a probe may take longer than the connection is left open; then one of the next is in time.
        await using var asker = await EchoHostFixture.StartAsync(
            $"Peers:Targets:0={address}",
            isTimed ? MeshHost.Interval : "Peers:Interval=01:00:00",
            $"Peers:Timeout={(mesh == "timeout" ? "00:00:00.5" : "00:01:00")}");
        await asker.UntilMeasuredAsync($"echohost_peer_probes_total{{peer=\"{address}\",result=\"{mesh}\"}}", probes => isTimed ? probes >= 1 : probes == 1);
    }
}
