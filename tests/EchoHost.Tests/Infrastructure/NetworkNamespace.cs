using System.Diagnostics;
using System.Globalization;

namespace EchoHost.Tests.Infrastructure;

/// <summary>
/// A network namespace of the test's own, with nothing but loopback, where nftables can be what stands on a path. If the system does
/// not allow it, the test is skipped.
/// </summary>
internal sealed class NetworkNamespace : IDisposable
{
    private readonly Process _keeper;
    private readonly string _nsenter = Tool.Need("nsenter");
    private readonly string _nft = Tool.Need("nft");

    private NetworkNamespace()
    {
        // The namespace exists while a process in it does: cat, until its input is closed.
        var keep = $"{Tool.Need("ip")} link set lo up && echo up && exec cat";
        _keeper = Process.Start(new ProcessStartInfo(Tool.Need("unshare"), ["--map-root-user", "--net", "/bin/sh", "-c", keep])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }

    /// <summary>The beginning of a command line that runs the rest in the namespace, in the same process.</summary>
    public string[] Enter =>
        [_nsenter, "--target", _keeper.Id.ToString(CultureInfo.InvariantCulture), "--user", "--net", "--preserve-credentials"];

    public static async Task<NetworkNamespace> StartAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has network namespaces");
        var network = new NetworkNamespace();
        try
        {
            using var limit = new CancellationTokenSource(Wait.Limit);
            if (await network._keeper.StandardOutput.ReadLineAsync(limit.Token) != "up")
            {
                Assert.Skip($"a network namespace is not allowed: {await network._keeper.StandardError.ReadToEndAsync(limit.Token)}");
            }

            var (code, errors) = await network.RunAsync(network._nft, "list", "ruleset");
            Assert.SkipWhen(code != 0, $"nftables are not allowed in a network namespace: {errors}");
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Adds rules in the language of nft(8).</summary>
    public async Task AddRulesAsync(string rules)
    {
        var (code, errors) = await RunAsync(_nft, rules);
        Assert.True(code == 0, errors);
    }

    public void Dispose()
    {
        _keeper.StandardInput.Close();
        Assert.True(_keeper.WaitForExit(Wait.Limit));
        _keeper.Dispose();
    }

    private async Task<(int Code, string Errors)> RunAsync(params string[] command)
    {
        string[] all = [.. Enter, .. command];
        using var process = Process.Start(new ProcessStartInfo(all[0], all[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var limit = new CancellationTokenSource(Wait.Limit);
        var errors = await process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, errors);
    }
}
