using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Xml.Linq;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary>One version number, in Directory.Build.props. A build of a checkout adds its commit after a plus.</summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public class VersionTests
{
    [Fact]
    public async Task The_program_says_the_same_version_everywhere()
    {
        var version = await OfProgramAsync();
        using var program = await EchoHostProcess.StartHostAsync();
        using var http = new HttpClient { BaseAddress = program.HttpUrl, Timeout = Wait.Limit };
        Assert.Equal(version, (await http.GetFromJsonAsync<JsonElement>("/who")).GetProperty("version").GetString());
        Assert.Contains($"echohost_build_info{{version=\"{version}\"}} 1\n", await http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        program.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await program.WaitForExitAsync());
    }

    [Fact]
    public async Task The_version_is_that_of_the_sources_and_of_the_image()
    {
        Assert.SkipUnless(File.Exists(Repository.File("Dockerfile")), "the sources are not where they were compiled");
        var version = (await OfProgramAsync()).Split('+')[0];
        Assert.Equal(version, XDocument.Load(Repository.File("Directory.Build.props")).Descendants("VersionPrefix").Single().Value);
        var image = await File.ReadAllLinesAsync(Repository.File("Dockerfile"));
        Assert.Contains($"ARG VERSION={version}", image);
        Assert.Contains(image, line => line.Contains("org.opencontainers.image.version=\"${VERSION}\"", StringComparison.Ordinal));
    }

    private static async Task<string> OfProgramAsync()
    {
        using var program = EchoHostProcess.Start(["--version"]);
        Assert.Equal(0, await program.WaitForExitAsync());
        return Assert.Single(program.Output);
    }
}
