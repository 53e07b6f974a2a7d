using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Balancers;

/// <summary><c>EchoHost hold</c> through what ends silent connections in practice.</summary>
public sealed class HoldTests
{
    private const string Timeout = "3s";
    private const double Seconds = 3;

    /// <summary>What a timer of a balancer may be early: its clock is read once in a turn of its loop, in milliseconds.</summary>
    private const double Coarseness = 0.01;

    private const double Earliest = Seconds - Coarseness;

    private static readonly string[] Expected = ["survived", "closed", "closed"];

    [Fact]
    public async Task The_idle_timeout_of_a_host_is_found()
    {
        await using var host = await EchoHostFixture.StartAsync($"Echo:Limits:IdleTimeout={Timeout}");
        await AssertFoundAsync(host.Tcp.ToString()!);
    }

    [Theory]
    [InlineData("client")]
    [InlineData("server")]
    public async Task Either_timeout_of_HAProxy_is_found(string side)
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen echo
              bind 127.0.0.1:{ports[0]}
              timeout {side} {Timeout}
              server one {host.Tcp}
            """);
        await AssertFoundAsync(haproxy.Fronts[0].ToString());
    }

    [Fact]
    public async Task It_is_found_through_TLS()
    {
        using var certificate = new TestCertificate();
        var pem = Path.Combine(certificate.Folder, "both.pem");
        await File.WriteAllTextAsync(pem, await File.ReadAllTextAsync(certificate.CertificatePath) + "\n" + await File.ReadAllTextAsync(certificate.KeyPath));
        await using var host = await EchoHostFixture.StartAsync();
        using var haproxy = await Balancer.HAProxyAsync(1, ports => $"""
            listen echo
              bind 127.0.0.1:{ports[0]} ssl crt {pem}
              timeout client {Timeout}
              server one {host.Tcp}
            """);
        await AssertFoundAsync($"localhost:{haproxy.Fronts[0].Port}", "--tls", "--ca", certificate.CertificatePath, "-4");
    }

    [Fact]
    public async Task The_timeout_of_nginx_is_found()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var nginx = await Balancer.NginxAsync(1, ports => $$"""
            server { listen 127.0.0.1:{{ports[0]}}; proxy_pass {{host.Tcp}}; proxy_timeout {{Timeout}}; }
            """);
        await AssertFoundAsync(nginx.Fronts[0].ToString());
    }

    /// <summary>Expects that connections that are silent for hours are closed by the timeout, and one that is silent for a moment is not.</summary>
    private static async Task AssertFoundAsync(string target, params string[] options)
    {
        // A machine that pauses for three seconds makes a moment too long. One that pauses in a turn of the balancer's loop makes
        // its timers early, since it reads its clock before.
        var (code, output, errors) = await Wait.PatientlyAsync(
            Wait.Limit / 40,
            limit => TestCommand.RunAsync(["hold", target, "--idle", "100ms,1h,2h", "--json", "--timeout", $"{limit.TotalSeconds}s", .. options]),
            run => ResultsOf(run.Output) is var all && Outcomes(all).SequenceEqual(Expected) && all[1..].All(closed => SilenceOfBalancer(closed) >= Earliest));
        Assert.Equal(0, code);
        Assert.Empty(errors);
        var results = ResultsOf(output);
        Assert.Equal(Expected, Outcomes(results));
        Assert.InRange(results[0].GetProperty("afterSeconds").GetDouble(), 0.1, Wait.Limit.TotalSeconds);
        foreach (var closed in results[1..])
        {
            Assert.Equal("silence", closed.GetProperty("endedAt").GetString());
            Assert.InRange(SilenceOfBalancer(closed), Earliest, Wait.Limit.TotalSeconds);
        }

        var found = JsonDocument.Parse(output[^1]).RootElement.GetProperty("idleTimeout");
        Assert.Equal(
            (0.1, results[1..].Min(closed => closed.GetProperty("afterSeconds").GetDouble()), "closed", true),
            (
                found.GetProperty("moreThanSeconds").GetDouble(),
                found.GetProperty("atMostSeconds").GetDouble(),
                found.GetProperty("endedBy").GetString(),
                found.GetProperty("exact").GetBoolean()));
    }

    /// <summary>The results in the order of their silences, without the summary.</summary>
    private static JsonElement[] ResultsOf(IEnumerable<string> output) =>
        [.. output.SkipLast(1).Select(line => JsonDocument.Parse(line).RootElement).OrderBy(result => result.GetProperty("idleSeconds").GetDouble())];

    private static IEnumerable<string?> Outcomes(JsonElement[] results) => results.Select(result => result.GetProperty("result").GetString());

    /// <summary>How long it was silent for the balancer, in seconds: from the passing on of the message, before that was read here.</summary>
    private static double SilenceOfBalancer(JsonElement result) =>
        result.GetProperty("afterSeconds").GetDouble() + (result.GetProperty("roundTripMicroseconds").GetDouble() / 1e6);
}
