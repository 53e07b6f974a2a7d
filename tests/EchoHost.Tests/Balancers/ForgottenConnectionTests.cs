using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Balancers;

/// <summary><c>EchoHost hold</c> through a firewall that forgets silent connections without telling either side.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public sealed class ForgottenConnectionTests
{
    [Theory]
    [InlineData("drop", "dropped")]
    [InlineData("reject with tcp reset", "reset")]
    public async Task What_was_forgotten_shows_at_the_next_message(string verdict, string result)
    {
        using var network = await NetworkNamespace.StartAsync();
        using var host = await EchoHostProcess.StartHostAsync(network, []);
        // A packet renews its connection's entry, and one without an entry is refused unless it opens a connection.
        await network.AddRulesAsync($$"""
            table inet firewall {
              set alive { type inet_service; flags timeout, dynamic; timeout 3s; }
              chain input {
                type filter hook input priority 0;
                tcp dport {{host.Port}} tcp flags & (syn | ack) == syn update @alive { tcp sport } accept
                tcp dport {{host.Port}} tcp sport @alive update @alive { tcp sport } accept
                tcp dport {{host.Port}} {{verdict}}
              }
            }
            """);
        // Twice in the silence of the short one, and in each message, the machine may pause.
        var output = await Wait.PatientlyAsync(
            TimeSpan.FromSeconds(1),
            async limit =>
            {
                using var hold = EchoHostProcess.Start(
                    network, "hold", host.Tcp.ToString(), "--idle", "100ms,4s", "--json", "--timeout", $"{limit.TotalSeconds}s");
                var code = await hold.WaitForExitAsync();
                Assert.Empty(hold.Errors);
                return (Code: code, Lines: hold.Output.ToArray());
            },
            run => run.Code == 0 && run.Lines[0].Contains("\"survived\"", StringComparison.Ordinal));
        Assert.Equal(0, output.Code);
        Assert.Equal(3, output.Lines.Length);
        Assert.StartsWith("{\"idleSeconds\":0.1,\"result\":\"survived\",", output.Lines[0], StringComparison.Ordinal);
        var forgotten = JsonDocument.Parse(output.Lines[1]).RootElement;
        Assert.Equal(
            (4, result, "message"),
            (
                forgotten.GetProperty("idleSeconds").GetDouble(),
                forgotten.GetProperty("result").GetString(),
                forgotten.GetProperty("endedAt").GetString()));
        Assert.InRange(forgotten.GetProperty("afterSeconds").GetDouble(), 4, Wait.Limit.TotalSeconds);
        Assert.Equal(
            $"{{\"idleTimeout\":{{\"moreThanSeconds\":0.1,\"atMostSeconds\":4,\"endedBy\":\"{result}\",\"exact\":false}}}}",
            output.Lines[2]);
    }
}
