using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

[Trait(TestProgram.Trait, TestProgram.Category)]
public class VersionTests
{
    [Fact]
    public async Task The_image_is_labelled_with_the_version_of_the_program()
    {
        var root = Repository.Root;
        Assert.SkipUnless(File.Exists(Path.Combine(root, "Dockerfile")), "the sources are not where they were compiled");
        using var program = EchoHostProcess.Start(["--version"]);
        Assert.Equal(0, await program.WaitForExitAsync());
        var version = Assert.Single(program.Output).Split('+')[0];
        Assert.Contains(
            $"org.opencontainers.image.version=\"{version}\"",
            await File.ReadAllTextAsync(Path.Combine(root, "Dockerfile")),
            StringComparison.Ordinal);
    }
}
