using EchoHost.Commands;

namespace EchoHost.Tests.Commands;

public class HoldProgressTests
{
    [Fact]
    public void It_says_how_long_the_silence_lasts_and_what_is_open()
    {
        Assert.Equal("", HoldProgress.Status([]));
        Assert.Equal("silent for 12 s: 1 connection still open", HoldProgress.Status([TimeSpan.FromSeconds(12.9)]));
        Assert.Equal("silent for 1 min 5 s: 2 connections still open", HoldProgress.Status([TimeSpan.FromSeconds(65), TimeSpan.FromSeconds(64.5)]));
    }
}
