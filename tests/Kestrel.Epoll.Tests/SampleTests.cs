using EchoHost.Tests.Infrastructure;

namespace Kestrel.Epoll.Tests;

/// <summary>The README's sample, as a process.</summary>
public class SampleTests
{
    private static readonly SeededBytes Payload = new(15);

    [Fact]
    public async Task It_answers_HTTP_and_echoes()
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        using var sample = await SampleProcess.StartAsync("EchoOnEpoll");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Wait.Limit };
        Assert.Equal("Hello over epoll!\n", await http.GetStringAsync($"http://{sample.Http}/"));

        using var peer = await EchoClient.ConnectAsync(sample.Tcp);
        const int count = 5_000_000;
        var receiving = peer.ReceiveToEndAsync();
        await peer.SendAsync(Payload.Take(count));
        peer.HalfClose();
        var received = await receiving;
        Bytes.AssertSame(Payload.Take(count), received);
    }

    [Fact]
    public async Task It_is_the_one_in_the_README()
    {
        var readme = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "README.md"));
        var program = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "EchoOnEpoll.cs.txt"));
        Assert.Contains($"```csharp\n{program}```\n", readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }
}
