using System.Diagnostics;
using System.Globalization;
using EchoHost.Commands;
using EchoHost.Connections.Admission;
using EchoHost.Hosting;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace EchoHost.Tests.Systemd;

/// <summary>deploy/systemd/echohost.service.</summary>
public class UnitTests
{
    /// <summary>The score of systemd-analyze, times ten; 0 is a service that can do nothing.</summary>
    private const int Exposure = 15;

    [Fact]
    public async Task The_stop_has_time_for_the_drain_of_appsettings_json()
    {
        await using var host = EchoHostBuilder.Build([]);
        var shutdown = host.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout;
        Assert.InRange(Seconds("TimeoutStopSec"), shutdown + ServeCommand.AfterStop, shutdown + ServeCommand.AfterStop + TimeSpan.FromSeconds(15));
    }

    [Fact]
    public void Systemd_hears_what_the_host_tells()
    {
        Assert.Equal("notify", Value("Type"));
        Assert.Equal("main", Value("NotifyAccess"));
        Assert.True(Seconds("WatchdogSec") >= TimeSpan.FromSeconds(30), "a machine may pause for seconds");
        Assert.Equal($"{ExitCode.WrongUsage}", Value("RestartPreventExitStatus"));
    }

    [Fact]
    public void The_limit_of_descriptors_allows_as_many_connections_as_the_unit_says()
    {
        var limit = int.Parse(Value("LimitNOFILE"), CultureInfo.InvariantCulture);
        Assert.Contains(Lines(), line => line.StartsWith("# About 65,000 connections:", StringComparison.Ordinal));
        Assert.InRange(ConnectionCapacity.From(configured: null, limit).Echo, 64_500, 65_499);
    }

    [Fact]
    public async Task Systemd_accepts_the_unit()
    {
        var folder = Directory.CreateTempSubdirectory("echohost-unit").FullName;
        try
        {
            // The program is not installed on the machine that tests it.
            var unit = Path.Combine(folder, "echohost.service");
            await File.WriteAllLinesAsync(unit, Lines().Select(line => line.StartsWith("ExecStart=", StringComparison.Ordinal) ? "ExecStart=/bin/true" : line));
            Assert.Equal((0, ""), await AnalyzeAsync("verify", "--man=no", unit));
            var (code, report) = await AnalyzeAsync("security", "--no-pager", "--offline=true", $"--threshold={Exposure}", unit);
            Assert.True(code == 0, report);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(int Code, string Output)> AnalyzeAsync(params string[] args)
    {
        var start = new ProcessStartInfo(Tool.Need("systemd-analyze"), args) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var limit = new CancellationTokenSource(Wait.Limit);
        using var program = Process.Start(start)!;
        var output = program.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = program.StandardError.ReadToEndAsync(limit.Token);
        await program.WaitForExitAsync(limit.Token);
        return (program.ExitCode, await output + await errors);
    }

    private static TimeSpan Seconds(string key) => TimeSpan.FromSeconds(int.Parse(Value(key), CultureInfo.InvariantCulture));

    private static string Value(string key) =>
        Lines().Single(line => line.StartsWith($"{key}=", StringComparison.Ordinal))[(key.Length + 1)..];

    private static string[] Lines()
    {
        var unit = Repository.File("deploy/systemd/echohost.service");
        Assert.SkipUnless(File.Exists(unit), "the sources are not where they were compiled");
        return File.ReadAllLines(unit);
    }
}
