using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Deploy.Tests.Release;

/// <summary>
/// What deploy/release/build packs. The native file takes minutes to compile, so these tests need one that the script has compiled
/// before: <see cref="TestProgram.Variable"/> names its <c>published/linux-ARCHITECTURE/EchoHost</c>.
/// </summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public sealed class PackageTests(PackageTests.Packed packed, ITestOutputHelper log) : IClassFixture<PackageTests.Packed>, IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    private readonly string _folder = Directory.CreateTempSubdirectory("echohost-release").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_archive_holds_what_it_should()
    {
        var archive = Assert.Single(Directory.GetFiles(await packed.OnceAsync(), "*.tar.gz"));
        var name = Path.GetFileName(archive)[..^".tar.gz".Length];
        Assert.Matches(@"^echohost-[0-9]+\.[0-9]+\.[0-9]+-linux-(x64|arm64)$", name);
        Assert.Equal(
            [
                $"drwxr-xr-x {name}/",
                $"-rwxr-xr-x {name}/EchoHost",
                $"-rw-r--r-- {name}/LICENSE",
                $"-rw-r--r-- {name}/THIRD-PARTY-NOTICES.txt",
                $"-rw-r--r-- {name}/appsettings.json",
                $"-rw-r--r-- {name}/echohost.1",
                $"-rw-r--r-- {name}/echohost.service",
            ],
            (await RunAsync("tar", "--list", "--verbose", "--numeric-owner", "--file", archive)).Select(line =>
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                Assert.Equal("0/0", fields[1]);
                return $"{fields[0]} {fields[^1]}";
            }));

        await RunAsync("tar", "--extract", "--directory", _folder, "--file", archive);
        var root = Path.Combine(_folder, name);
        Assert.Equal(await File.ReadAllBytesAsync(TestProgram.File), await File.ReadAllBytesAsync(Path.Combine(root, "EchoHost")));
        Assert.Equal(await File.ReadAllTextAsync(Repository.File("appsettings.json")), await File.ReadAllTextAsync(Path.Combine(root, "appsettings.json")));
        Assert.DoesNotContain('@', await File.ReadAllTextAsync(Path.Combine(root, "echohost.1")));

        // Each package that is linked in, and the parts of .NET itself.
        var notices = await File.ReadAllTextAsync(Path.Combine(root, "THIRD-PARTY-NOTICES.txt"));
        Assert.All(
            [
                "Microsoft.AspNetCore.App.Runtime.linux-", "Microsoft.Extensions.Hosting.Systemd 10.", "OpenTelemetry 1.", "Serilog 4.",
                "Serilog.Sinks.Console 6.", "Spectre.Console 0.", "System.CommandLine 3.", "Microsoft.NETCore.App.Runtime.NativeAOT.linux-",
            ],
            start => Assert.Contains($"\n{start}", notices, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("xunit", notices, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_same_native_file_gives_the_same_bytes()
    {
        string[] runs = [await packed.OnceAsync(), await PackAsync(Path.Combine(_folder, "again"))];
        var files = runs.Select(run => Directory.GetFiles(run).Select(Path.GetFileName).Order(StringComparer.Ordinal).ToArray()).ToArray();
        Assert.Equal(3, files[0].Length);
        Assert.Equal(files[0], files[1]);
        Assert.All(files[0], file => Assert.Equal(Hash(Path.Combine(runs[0], file!)), Hash(Path.Combine(runs[1], file!))));
        await RunAsync("sh", "-c", $"cd '{runs[0]}' && sha256sum --check --strict --quiet SHA256SUMS");
        Assert.Equal(2, (await File.ReadAllLinesAsync(Path.Combine(runs[0], "SHA256SUMS"))).Length);

        static string Hash(string file) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));
    }

    /// <summary>
    /// Install, echo, drain, install again, remove and purge, and the service under systemd where one can be booted, each checked
    /// by deploy/release/try-package.
    /// </summary>
    [Fact]
    public async Task The_package_works_in_a_clean_Debian_and_leaves_nothing()
    {
        Assert.SkipUnless(TestScale.IsFull, "takes minutes; ECHOHOST_TEST_SCALE=full runs it");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can make a Debian in a folder");
        Tool.Need("debootstrap");
        Tool.Need("unshare");
        Tool.Need("ip");
        Tool.Need("openssl");
        var namespaces = await StartAsync("unshare", "--mount", "--pid", "--net", "--fork", "true");
        Assert.SkipUnless(namespaces.Code == 0, $"this system allows no namespaces: {string.Join(' ', namespaces.Output)}");
        var package = Assert.Single(Directory.GetFiles(await packed.OnceAsync(), "*.deb"));
        var output = await RunAsync(Repository.File("deploy/release/try-package"), package);
        log.WriteLine(string.Join('\n', output));
        Assert.StartsWith("passed", output.Last(), StringComparison.Ordinal);
    }

    private static async Task<string[]> RunAsync(string program, params string[] args)
    {
        var (code, output) = await StartAsync(program, args);
        Assert.True(code == 0, $"{program} {string.Join(' ', args)} ended with {code}:\n{string.Join('\n', output)}");
        return output;
    }

    private static async Task<(int Code, string[] Output)> StartAsync(string program, params string[] args)
    {
        var start = new ProcessStartInfo(Tool.Need(program), args) { RedirectStandardOutput = true, RedirectStandardError = true };
        // dpkg looks for its helpers there.
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        using var limit = new CancellationTokenSource(Limit);
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, (await errors + await output).TrimEnd('\n').Split('\n'));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static async Task<string> PackAsync(string output)
    {
        Assert.SkipUnless(TestProgram.IsGiven, $"needs a native file: {TestProgram.Variable}=…/published/linux-x64/EchoHost, made by deploy/release/build");
        var published = Path.GetDirectoryName(TestProgram.File)!;
        Assert.SkipUnless(File.Exists($"{published}.notices"), $"{TestProgram.Variable} is not a file that deploy/release/build has made");
        Tool.Need("dpkg-deb");
        var architecture = RuntimeInformation.OSArchitecture.ToString().ToLower(CultureInfo.InvariantCulture);
        await RunAsync(Repository.File("deploy/release/build"), "--output", output, "--published", Path.GetDirectoryName(published)!, architecture);
        return output;
    }

    /// <summary>One run of the script for all tests: to compress takes the longest.</summary>
    public sealed class Packed : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("echohost-packed").FullName;
        private Task<string>? _once;

        public Task<string> OnceAsync() => _once ??= PackAsync(_folder);

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
