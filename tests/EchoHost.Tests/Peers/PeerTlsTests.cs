using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers;

/// <summary>TLS with peers of every kind, with certificates generated for the test.</summary>
public abstract class PeerTlsTests(string transport) : PeerTests(transport)
{
    private const int Size = 64;

    private readonly TestCertificate _certificate = new();

    private PeerLink Trusting => new(Tls: new PeerTls(Authorities: [_certificate.Certificate]));

    private static PeerLink Insecure { get; } = new(Tls: new PeerTls(IsInsecure: true));

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await base.DisposeAsync();
        _certificate.Dispose();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, "Tls12 TLS_")]
    [InlineData(SslProtocols.Tls13, "Tls13 TLS_")]
    public async Task Every_byte_comes_back_encrypted(SslProtocols protocol, string agreed)
    {
        await using var peer = OddPeer.StartTls(
            new SslServerAuthenticationOptions { ServerCertificate = _certificate.Certificate, EnabledSslProtocols = protocol },
            Odd.Honest);
        await using var connection = await ConnectAsync(peer.Named("localhost"), Trusting);
        Assert.StartsWith(agreed, connection.Tls, StringComparison.Ordinal);
        Assert.True(connection.Phases.Tls > TimeSpan.Zero);
        foreach (var size in new[] { 1, Size, 65_536, 3_000_001, Size })
        {
            await EchoAsync(connection, UniquePayload.Bytes(size));
        }
    }

    [Fact]
    public async Task The_name_may_be_an_address()
    {
        await using var peer = OddPeer.StartTls(_certificate, Odd.Honest);
        await using var connection = await ConnectAsync(peer.Target, Trusting);
        await EchoAsync(connection, UniquePayload.Bytes(Size));
    }

    [Fact]
    public async Task A_certificate_of_another_name_is_refused()
    {
        await using var peer = OddPeer.StartTls(_certificate, Odd.Honest);
        Assert.Equal(
            "the peer's certificate is not believed: it is not valid for other.example: it is for localhost, 127.0.0.1",
            await AssertTlsAsync(peer.Named("other.example"), Trusting));
        await AssertTlsAsync(peer.Named("other.example") with { EndPoint = peer.EndPoint }, Trusting);
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_is_refused()
    {
        using var other = new TestCertificate();
        await using var peer = OddPeer.StartTls(_certificate, Odd.Honest);
        const string unknown = "the peer's certificate is not believed: it is self-signed, and not trusted here";
        Assert.Equal(unknown, await AssertTlsAsync(peer.Named("localhost"), PeerLink.Default));
        Assert.Equal(unknown, await AssertTlsAsync(peer.Named("localhost"), new PeerLink(Tls: new PeerTls(Authorities: [other.Certificate]))));
        await peer.ExpectNoConnectionAsync();
    }

    [Theory]
    [InlineData(-20, -10, "it is expired since ")]
    [InlineData(10, 20, "it is not valid before ")]
    public async Task A_certificate_out_of_its_time_is_refused(int from, int to, string fault)
    {
        var now = DateTimeOffset.UtcNow;
        using var certificate = TestCertificate.Create("localhost", now.AddDays(from), now.AddDays(to));
        await using var peer = OddPeer.StartTls(new SslServerAuthenticationOptions { ServerCertificate = certificate }, Odd.Honest);
        var text = await AssertTlsAsync(peer.Named("localhost"), new PeerLink(Tls: new PeerTls(Authorities: [certificate])));
        Assert.Matches($"^the peer's certificate is not believed: {fault}[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z$", text);
    }

    [Fact]
    public async Task Another_name_may_be_expected()
    {
        await using var peer = OddPeer.StartTls(_certificate, Odd.Honest);
        await using var connection = await ConnectAsync(
            peer.Named("other.example"),
            new PeerLink(Tls: new PeerTls(Authorities: [_certificate.Certificate], ServerName: "localhost")));
        await EchoAsync(connection, UniquePayload.Bytes(Size));
    }

    [Fact]
    public async Task Insecure_any_certificate_is_believed()
    {
        await using var peer = OddPeer.StartTls(_certificate, Odd.Honest);
        await using var connection = await ConnectAsync(peer.Named("other.example"), Insecure);
        await EchoAsync(connection, UniquePayload.Bytes(Size));
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_peer_that_asks_for_a_certificate_is_shown_it(SslProtocols protocol)
    {
        using var mine = new TestCertificate("client");
        await using var peer = OddPeer.StartTls(Asking(protocol), Odd.Honest);
        var shown = new EchoHost.Connections.Tls.CertificateFile(
            new EchoHost.Connections.Tls.CertificateOptions { Path = mine.CertificatePath, KeyPath = mine.KeyPath }).Load();
        await using var connection = await ConnectAsync(
            peer.Named("localhost"),
            new PeerLink(Tls: new PeerTls(Authorities: [_certificate.Certificate], Certificate: shown)));
        await EchoAsync(connection, UniquePayload.Bytes(Size));
    }

    /// <summary>With TLS 1.3 the peer reports it only after the handshake.</summary>
    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_peer_that_wants_a_certificate_and_gets_none_is_of_class_tls(string version)
    {
        var openssl = Tool.Need("openssl");
        string[] files = ["-cert", _certificate.CertificatePath, "-key", _certificate.KeyPath];
        string[] args = ["s_server", "-accept", "127.0.0.1:0", .. files, "-Verify", "1", "-verify_return_error", version];
        using var server = Process.Start(new ProcessStartInfo(openssl, args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            server.ErrorDataReceived += (_, _) => { };
            server.BeginErrorReadLine();
            const string accepting = "ACCEPT 127.0.0.1:";
            string line;
            do
            {
                line = await server.StandardOutput.ReadLineAsync().WaitAsync(Wait.Limit) ?? throw new InvalidOperationException("openssl does not listen");
            }
            while (!line.StartsWith(accepting, StringComparison.Ordinal));

            var target = new PeerTarget("127.0.0.1", int.Parse(line[accepting.Length..], CultureInfo.InvariantCulture), IsTls: true);
            var probe = await Client(Trusting).ProbeAsync(target, Size, Ample, CancellationToken.None).WaitAsync(Wait.Limit);
            Assert.True(probe is { Result: ProbeResult.Tls, IsTurnedAway: false }, $"{probe.Result}: {probe.Error}");
            Assert.Equal(
                version == "-tls1_3"
                    ? "the peer wants a client certificate (TLS alert 116)"
                    : "the peer refuses the handshake: no common parameters, or no client certificate (TLS alert 40)",
                probe.Error);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync().WaitAsync(Wait.Limit);
        }
    }

    /// <summary>The framework's own server closes without an alert when it rejects a client.</summary>
    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_peer_that_wants_a_certificate_and_ends_without_a_word_is_of_class_tls(SslProtocols protocol)
    {
        await using var peer = OddPeer.StartTls(Asking(protocol), Odd.Honest);
        var probe = await Client(Trusting).ProbeAsync(peer.Named("localhost"), Size, Ample, CancellationToken.None).WaitAsync(Wait.Limit);
        Assert.Equal(ProbeResult.Tls, probe.Result);
        Assert.StartsWith("the peer asked for a certificate, and ", probe.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_that_does_not_speak_TLS_is_of_class_tls()
    {
        await using var peer = OddPeer.Start(Odd.Honest);
        Assert.Equal("the peer does not speak TLS: it sends back what it gets", await AssertTlsAsync(peer.Named("localhost") with { IsTls = true }, Trusting));
        await using var talker = OddPeer.Start(async connection =>
        {
            await connection.WriteAsync("220 mail.example\r\n"u8.ToArray());
            await connection.SwallowAsync();
        });
        Assert.Equal("the peer does not speak TLS", await AssertTlsAsync(talker.Named("localhost") with { IsTls = true }, Trusting));
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task A_peer_that_ends_in_the_handshake_is_closed()
    {
        await using var peer = OddPeer.Start(Odd.Ending);
        var failure = await FailAsync(peer.Named("localhost") with { IsTls = true }, Trusting, Ample);
        Assert.Equal((ProbeResult.Closed, true), (failure.Result, failure.IsTurnedAway));
        Assert.StartsWith("closed by the peer before a byte came back, after ", failure.Message, StringComparison.Ordinal);

        // The peer has sent a byte before, so the reason is not guessed.
        await using var later = OddPeer.Start(async connection =>
        {
            await connection.ReadAsync(1);
            await connection.WriteAsync((byte[])[22, 3, 3]);
            await connection.EndAsync();
        });
        failure = await FailAsync(later.Named("localhost") with { IsTls = true }, Trusting, Ample);
        Assert.Equal((ProbeResult.Closed, false), (failure.Result, failure.IsTurnedAway));
        Assert.StartsWith("closed by the peer in the TLS handshake, after ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reset_in_the_handshake_is_being_turned_away()
    {
        await using var peer = OddPeer.Start(Odd.Resetting);
        for (var i = 0; i < 50; i++)
        {
            var probe = await Client(Trusting)
                .ProbeAsync(peer.Named("localhost") with { IsTls = true }, Size, Ample, CancellationToken.None)
                .WaitAsync(Wait.Limit);
            Assert.True(
                probe is { Result: ProbeResult.Reset, IsTurnedAway: true } || (!KnowsResets && probe.Result == ProbeResult.Closed),
                $"{probe.Result}: {probe.Error}");
        }
    }

    [Fact]
    public async Task Silence_in_the_handshake_is_a_timeout()
    {
        await using var peer = OddPeer.Start(Odd.Silent);
        var failure = await Wait.PatientlyAsync(
            Brief,
            limit => FailAsync(peer.Named("localhost") with { IsTls = true }, Trusting, limit),
            failure => failure.Message.StartsWith("connected, but the TLS", StringComparison.Ordinal));
        Assert.Equal(ProbeResult.Timeout, failure.Result);
        Assert.Matches("^connected, but the TLS handshake was not done within [0-9.]+ m?s$", failure.Message);
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Who_cancels_in_the_handshake_is_told_so()
    {
        await using var peer = OddPeer.Start(Odd.Silent);
        using var stop = new CancellationTokenSource();
        var connecting = Client(Trusting).ConnectAsync(peer.Named("localhost") with { IsTls = true }, Ample, stop.Token);
        await Wait.UntilAsync(() => peer.Accepted == 1, "it is connected");
        await stop.CancelAsync();
        var canceled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.WaitAsync(Wait.Limit));
        Assert.Equal(stop.Token, canceled.CancellationToken);
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Who_cancels_while_waiting_for_the_answer_is_told_so()
    {
        await using var peer = OddPeer.StartTls(_certificate, Odd.Silent);
        await using var connection = await ConnectAsync(peer.Named("localhost"), Trusting);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connection.EchoAsync(UniquePayload.Bytes(Size), Ample, stop.Token).WaitAsync(Wait.Limit));
        await peer.ExpectNoConnectionAsync();
    }

    [Fact]
    public async Task Each_failure_has_its_class_under_TLS_too()
    {
        Assert.Equal((ProbeResult.Mismatch, "byte 6 of 64 came back different"), await ProbeAsync(Odd.Changing(5, Size)));
        Assert.Equal((ProbeResult.Mismatch, "more came back than the 64 bytes that were sent"), await ProbeAsync(Odd.Appending(Size)));
        (ProbeResult, string?) half = (ProbeResult.Timeout, "connected, 10 of 64 bytes came back within ");
        Assert.Equal(half, await Wait.PatientlyAsync(Brief, limit => ProbeAsync(Odd.SilentAfter(10), limit), probe => probe == half));
        Assert.Equal((ProbeResult.Closed, "closed by the peer after 10 of 64 bytes, "), await ProbeAsync(Odd.EndingAfter(10)));
        Assert.Equal(ProbeResult.Reset, (await ProbeAsync(Odd.ResettingAfter(0, Size))).Result);
        Assert.Equal((ProbeResult.Ok, null), await ProbeAsync(Odd.Dribbling));
    }

    [Fact]
    public async Task A_peer_that_reads_nothing_is_a_timeout()
    {
        await using var peer = OddPeer.StartTls(_certificate, Odd.Deaf);
        await using var connection = await ConnectAsync(peer.Named("localhost"), Trusting);
        var failure = await Assert.ThrowsAsync<PeerException>(() =>
            connection.EchoAsync(new byte[32_000_000], Brief, CancellationToken.None).WaitAsync(Wait.Limit));
        Assert.Equal(ProbeResult.Timeout, failure.Result);
    }

    [Fact]
    public async Task A_connection_ends_with_a_close_alert()
    {
        var end = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var peer = OddPeer.StartTls(_certificate, async connection =>
        {
            try
            {
                await connection.WriteAsync(await connection.ReadAsync(Size));
                // A close without the alert would throw.
                end.SetResult(await connection.Stream.ReadAsync(new byte[1], connection.Stop));
            }
            catch (Exception e)
            {
                end.SetException(e);
            }
        });
        await using (var connection = await ConnectAsync(peer.Named("localhost"), Trusting))
        {
            await EchoAsync(connection, UniquePayload.Bytes(Size));
        }

        Assert.Equal(0, await end.Task.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task Ending_does_not_wait_for_a_peer_that_takes_nothing()
    {
        await using var peer = OddPeer.StartTls(_certificate, async connection =>
        {
            await connection.WriteAsync(await connection.ReadAsync(Size));
            await connection.DoNothingAsync();
        });
        var connection = await ConnectAsync(peer.Named("localhost"), Trusting);
        await EchoAsync(connection, UniquePayload.Bytes(Size));
        await connection.DisposeAsync().AsTask().WaitAsync(Wait.Limit);
    }

    private SslServerAuthenticationOptions Asking(SslProtocols protocol) => new()
    {
        ServerCertificate = _certificate.Certificate,
        EnabledSslProtocols = protocol,
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=client",
    };

    private async Task<(ProbeResult Result, string? Error)> ProbeAsync(Func<OddConnection, Task> behave, TimeSpan? timeout = null)
    {
        await using var peer = OddPeer.StartTls(_certificate, behave);
        await using var connection = await ConnectAsync(peer.Named("localhost"), Trusting);
        try
        {
            await connection.EchoAsync(UniquePayload.Bytes(Size), timeout ?? Ample, CancellationToken.None).WaitAsync(Wait.Limit);
            return (ProbeResult.Ok, null);
        }
        catch (PeerException e)
        {
            // The message without its times.
            var end = e.Result switch { ProbeResult.Timeout => "within ", ProbeResult.Closed => "bytes, ", _ => "" };
            return (e.Result, end.Length == 0 ? e.Message : e.Message[..(e.Message.IndexOf(end, StringComparison.Ordinal) + end.Length)]);
        }
    }

    private async Task<string> AssertTlsAsync(PeerTarget target, PeerLink link)
    {
        var failure = await FailAsync(target, link, Ample);
        Assert.Equal((ProbeResult.Tls, false), (failure.Result, failure.IsTurnedAway));
        AssertOneLine(failure.Message);
        return failure.Message;
    }

    private Task<PeerException> FailAsync(PeerTarget target, PeerLink link, TimeSpan timeout) =>
        Assert.ThrowsAsync<PeerException>(() => Client(link).ConnectAsync(target, timeout, CancellationToken.None).WaitAsync(Wait.Limit));

    private static void AssertOneLine(string? text)
    {
        Assert.False(string.IsNullOrWhiteSpace(text));
        Assert.DoesNotContain('\n', text);
    }

    private static Task<EchoTimes> EchoAsync(PeerConnection connection, byte[] message) =>
        connection.EchoAsync(message, Ample, CancellationToken.None).WaitAsync(Wait.Limit);
}

public sealed class PeerTlsTestsOnEpoll() : PeerTlsTests(Epoll);

public sealed class PeerTlsTestsOnSockets() : PeerTlsTests(Sockets);
