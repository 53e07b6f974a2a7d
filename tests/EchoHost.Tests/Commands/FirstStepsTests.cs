using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Commands;

/// <summary>
/// A quick check of a fresh build: a little of everything that the program does. Each test starts the program only once or
/// twice, so that they also run under an emulator.
/// </summary>
[Trait(TestProgram.Trait, TestProgram.Category)]
public class FirstStepsTests
{
    private const string Token = "correct-horse-battery";

    [Fact]
    public async Task It_echoes_says_so_is_healthy_and_drains()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        using var host = await EchoHostProcess.StartHostAsync();
        using var client = await EchoClient.ConnectAsync(host.Tcp);
        await client.EchoAsync("Hello, opencode.space!\r\n");
        var line = $"Received new message from peer {client.LocalAddress}: \"Hello, opencode.space!\\r\\n\". Echoing it back";
        await Wait.UntilAsync(() => host.Output.Any(l => l.EndsWith(line, StringComparison.Ordinal)), "the message is logged");
        using (await EchoHostProcess.UntilHealthyAsync(["health", host.HttpUrl!.ToString()]))
        {
        }

        host.Signal(PosixSignal.SIGTERM);
        Assert.Empty(await client.ReceiveToEndAsync());
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.Empty(host.Errors);
    }

    [Fact]
    public async Task Send_talks_to_it_over_TLS_behind_a_PROXY_header()
    {
        using var certificate = new TestCertificate();
        using var host = await EchoHostProcess.StartHostAsync([
            "--Echo:Endpoints:Tcp:Url=tls://127.0.0.1:0",
            $"--Echo:Endpoints:Tcp:Certificate:Path={certificate.CertificatePath}",
            $"--Echo:Endpoints:Tcp:Certificate:KeyPath={certificate.KeyPath}",
            "--Echo:Endpoints:Tcp:ProxyProtocol=Required",
            "--Echo:TrustedProxies:0=127.0.0.1"]);
        using var send = EchoHostProcess.Start([
            "send",
            $"localhost:{host.Port}",
            "Hello",
            "--tls",
            "--ca", certificate.CertificatePath,
            "--proxy", "v2",
            "--proxy-source", "203.0.113.7:56324",
            "--json",
            "--timeout", "25s",
        ]);
        Assert.Equal(0, await send.WaitForExitAsync());
        Assert.Equal("ok", JsonDocument.Parse(Assert.Single(send.Output)).RootElement.GetProperty("result").GetString());
        await Wait.UntilAsync(
            () => host.Output.Any(l => l.Contains("Peer 203.0.113.7:56324 connecting (via 127.0.0.1:", StringComparison.Ordinal)),
            "the client's address is logged");
    }

    [Fact]
    public async Task A_certificate_that_changes_is_shown()
    {
        using var certificate = new TestCertificate("first");
        using var host = await EchoHostProcess.StartHostAsync([
            "--Echo:Endpoints:Tcp:Url=tls://127.0.0.1:0",
            $"--Echo:Endpoints:Tcp:Certificate:Path={certificate.CertificatePath}",
            $"--Echo:Endpoints:Tcp:Certificate:KeyPath={certificate.KeyPath}"]);
        Assert.Equal("CN=first", await SubjectAsync(host));
        certificate.Write("second");
        await Wait.UntilAsync(async () => await SubjectAsync(host) == "CN=second", "the new certificate is shown");
    }

    [Fact]
    public async Task HTTP_answers_with_JSON_problems_too()
    {
        using var host = await EchoHostProcess.StartHostAsync([$"--Admin:Token={Token}"]);
        using var http = new HttpClient { BaseAddress = host.HttpUrl, Timeout = Wait.Limit };
        using var client = await EchoClient.ConnectAsync(host.Tcp);
        await client.EchoAsync("hello");
        var connection = JsonDocument.Parse(await http.GetStringAsync("/connections")).RootElement.GetProperty("connections")[0];
        Assert.Equal(client.LocalAddress, connection.GetProperty("peer").GetString());
        Assert.Contains("\nechohost_messages_total{endpoint=\"Tcp\"} 1\n", await http.GetStringAsync("/metrics"), StringComparison.Ordinal);

        var path = $"/connections/{connection.GetProperty("id").GetString()}";
        await ExpectProblemAsync(await http.GetAsync("/connections?limit=many"), HttpStatusCode.BadRequest, "limit is 'many'");
        await ExpectProblemAsync(await http.GetAsync("/connections/none"), HttpStatusCode.NotFound, "no live connection has the id 'none'");
        await ExpectProblemAsync(await http.DeleteAsync(path), HttpStatusCode.Unauthorized, "the bearer token is missing or wrong");
        using var delete = new HttpRequestMessage(HttpMethod.Delete, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Token) } };
        Assert.Equal(HttpStatusCode.NoContent, (await http.SendAsync(delete)).StatusCode);
        Assert.Empty(await client.ReceiveToEndAsync());
    }

    [Fact]
    public async Task Load_and_the_peers_of_another_host_find_every_byte_the_same()
    {
        using var host = await EchoHostProcess.StartHostAsync(["--Echo:LogMessages=false"]);
        using var other = await EchoHostProcess.StartHostAsync(
            [$"--Peers:Targets:0=127.0.0.1:{host.Port}", "--Peers:Interval=00:00:01", "--Peers:Timeout=00:00:25"]);
        var (code, output) = await Wait.PatientlyAsync(
            TimeSpan.FromMilliseconds(500),
            async limit =>
            {
                using var load = EchoHostProcess.Start(
                    ["load", $"127.0.0.1:{host.Port}", "--connections", "4", "--duration", $"{limit.TotalSeconds}s", "--timeout", "25s", "--json"]);
                return (Code: await load.WaitForExitAsync(), Output: load.Output.ToArray());
            },
            run => TestCommand.HasLoaded(run.Output));
        Assert.Equal(0, code);
        Assert.Equal(0, JsonDocument.Parse(Assert.Single(output)).RootElement.GetProperty("mismatches").GetInt32());
        using var http = new HttpClient { BaseAddress = other.HttpUrl, Timeout = Wait.Limit };
        await Wait.UntilAsync(
            async () => JsonDocument.Parse(await http.GetStringAsync("/peers")).RootElement.GetProperty("peers")[0].GetProperty("up").GetBoolean(),
            "the peer is up");
    }

    [Theory]
    [InlineData("--Echo:Limits:IdleTimeuot=00:00:30", "Echo:Limits:IdleTimeuot is not a key that this host knows (value '00:00:30')")]
    [InlineData("--Echo:Endpoints:Tcp:ProxyProtocol=On", "Echo:Endpoints:Tcp:ProxyProtocol is 'On'; expected Off, Optional, Required")]
    [InlineData("--Peers:Targets:0=nowhere:0", "Peers:Targets:0 is 'nowhere:0'")]
    public async Task A_mistake_in_the_settings_is_one_line(string argument, string line)
    {
        using var program = EchoHostProcess.Start(["--urls=http://127.0.0.1:0", argument], ("PORT", "0"));
        Assert.Equal(2, await program.WaitForExitAsync());
        Assert.StartsWith($"EchoHost: {line}", Assert.Single(program.Errors), StringComparison.Ordinal);
    }

    private static async Task<string> SubjectAsync(EchoHostProcess host)
    {
        await using var stream = await TlsClient.ConnectAsync(host.Tcp, SslProtocols.None, null);
        await stream.WriteAsync("x"u8.ToArray());
        Assert.Equal("x"u8.ToArray(), await TlsClient.ReadAsync(stream, 1));
        return stream.RemoteCertificate!.Subject;
    }

    private static async Task ExpectProblemAsync(HttpResponseMessage response, HttpStatusCode status, string detail)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith(
            detail,
            JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("detail").GetString(),
            StringComparison.Ordinal);
    }
}
