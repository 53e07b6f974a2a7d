using System.Net.Http.Json;
using System.Text.Json;
using EchoHost.Connections.Admission;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Connections.Admission;

public sealed class AdmissionWatchTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly AdmissionWatch _watch;

    public AdmissionWatchTests() => _watch = new AdmissionWatch(_time, NullLogger<AdmissionWatch>.Instance);

    [Fact]
    public void Many_for_long_are_a_problem()
    {
        TurnAway(times: 11, every: TimeSpan.FromSeconds(3));
        Assert.Equal("Tcp has let no client in and turned away 11 within 30 s: as it is", Assert.Single(_watch.Problems));
    }

    [Fact]
    public void Few_or_not_for_long_are_none()
    {
        TurnAway(times: 9, every: TimeSpan.FromSeconds(10));
        Assert.Empty(_watch.Problems);
        _watch.LetIn("Tcp");
        TurnAway(times: 1000, every: TimeSpan.FromMilliseconds(29));
        Assert.Empty(_watch.Problems);
    }

    [Fact]
    public void One_that_is_let_in_ends_it()
    {
        TurnAway(times: 20, every: TimeSpan.FromSeconds(3));
        _watch.LetIn("Other");
        Assert.NotEmpty(_watch.Problems);
        _watch.LetIn("Tcp");
        Assert.Empty(_watch.Problems);
    }

    [Fact]
    public void Several_reasons_are_not_one()
    {
        for (var i = 0; i < 100; i++)
        {
            _watch.Rejected("Tcp", i % 2 == 0 ? "one" : "another", "as it is");
            _time.Advance(TimeSpan.FromSeconds(3));
        }

        Assert.Empty(_watch.Problems);
    }

    [Fact]
    public void What_was_long_ago_is_forgotten()
    {
        TurnAway(times: 20, every: TimeSpan.FromSeconds(3));
        _time.Advance(AdmissionWatch.Forgotten);
        Assert.Empty(_watch.Problems);
        TurnAway(times: 1, every: TimeSpan.Zero);
        Assert.Empty(_watch.Problems);
    }

    [Fact]
    public async Task Wrong_TrustedProxies_are_in_the_health_and_once_in_the_log()
    {
        await using var host = await EchoHostFixture.StartAsync(
            services => services.AddSingleton(provider => new AdmissionWatch(_time, provider.GetRequiredService<ILogger<AdmissionWatch>>())),
            "Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=192.0.2.1");
        Assert.Equal("Healthy", await StatusAsync(host));
        for (var i = 0; i < 15; i++)
        {
            await EchoClient.ExpectTurnedAwayAsync(host.Tcp);
            _time.Advance(TimeSpan.FromSeconds(3));
        }

        const string line = "Endpoint Tcp lets no client in: the last 11 clients were all turned away: only trusted proxies may connect";
        await Wait.UntilAsync(() => host.Log.Lines.Contains(line), "the host says so");
        Assert.Equal("Degraded", await StatusAsync(host));
        Assert.Single(host.Log.Lines, l => l.Contains("lets no client in", StringComparison.Ordinal));
        host.Services.GetRequiredService<AdmissionWatch>().LetIn("Tcp");
        Assert.Equal("Healthy", await StatusAsync(host));
        Assert.Contains("Endpoint Tcp lets clients in again", host.Log.Lines);
    }

    private static async Task<string?> StatusAsync(EchoHostFixture host)
    {
        var response = await host.UntilOkAsync("/health");
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("checks").GetProperty("admission").GetProperty("status").GetString();
    }

    private void TurnAway(int times, TimeSpan every)
    {
        for (var i = 0; i < times; i++)
        {
            if (i > 0)
            {
                _time.Advance(every);
            }

            _watch.Rejected("Tcp", "reason", "as it is");
        }
    }
}
