using System.Net;
using System.Net.Sockets;
using System.Text;
using EchoHost.Tests.Infrastructure;

namespace Kestrel.ProxyProtocol.Tests;

/// <summary>The README's sample, as a process.</summary>
public class SampleTests
{
    /// <summary>The client's address, distinct from the proxy's 127.0.0.1.</summary>
    private static readonly IPEndPoint Client = IPEndPoint.Parse("127.0.0.9:0");

    private const string Request = "GET / HTTP/1.0\r\n\r\n";

    [Theory]
    [InlineData("send-proxy", "tcp")]
    [InlineData("send-proxy-v2", "tcp")]
    [InlineData("send-proxy-v2", "http")]
    public async Task Behind_HAProxy_it_sees_the_clients_address(string option, string mode)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs the whole of 127.0.0.0/8");
        Tool.Need("haproxy");
        using var sample = await SampleProcess.StartAsync("BehindHAProxy");
        using var haproxy = await Balancer.HAProxyAsync(2, ports => $"""
            listen http
              mode {mode}
              bind 127.0.0.1:{ports[0]}
              server one {sample.Http} {option}
            listen tcp
              bind 127.0.0.1:{ports[1]}
              server one {sample.Tcp} {option}
            """);

        using var http = await ConnectAsync(haproxy.Fronts[0], Client);
        Assert.EndsWith($"\r\nHello, {http.LocalEndPoint}!\n", await AskAsync(http, Request), StringComparison.Ordinal);
        using var tcp = await ConnectAsync(haproxy.Fronts[1], Client);
        Assert.Equal($"Hello, {tcp.LocalEndPoint}!\n", await AskAsync(tcp, ""));
    }

    /// <summary>What can be tested without HAProxy.</summary>
    [Fact]
    public async Task It_takes_a_header_and_answers_nothing_without_one()
    {
        const string header = "PROXY TCP4 203.0.113.7 198.51.100.2 56324 443\r\n";
        using var sample = await SampleProcess.StartAsync("BehindHAProxy");

        using var http = await ConnectAsync(sample.Http);
        Assert.EndsWith("\r\nHello, 203.0.113.7:56324!\n", await AskAsync(http, header + Request), StringComparison.Ordinal);
        using var tcp = await ConnectAsync(sample.Tcp);
        Assert.Equal("Hello, 203.0.113.7:56324!\n", await AskAsync(tcp, header));
        using var without = await ConnectAsync(sample.Http);
        Assert.Empty(await AskAsync(without, Request));
    }

    [Fact]
    public async Task It_is_the_one_in_the_README()
    {
        var readme = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "README.md"));
        var program = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "BehindHAProxy.cs.txt"));
        Assert.Contains($"```csharp\n{program}```\n", readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    private static async Task<Socket> ConnectAsync(EndPoint server, EndPoint? from = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(from ?? new IPEndPoint(IPAddress.Loopback, 0));
        await socket.ConnectAsync(server).WaitAsync(Wait.Limit);
        return socket;
    }

    /// <summary>Sends a text and reads to the end, which may be a reset.</summary>
    private static async Task<string> AskAsync(Socket socket, string text)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        var answer = new MemoryStream();
        try
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(text), limit.Token);
            await using var stream = new NetworkStream(socket, ownsSocket: false);
            await stream.CopyToAsync(answer, limit.Token);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
        }

        return Encoding.ASCII.GetString(answer.ToArray());
    }
}
