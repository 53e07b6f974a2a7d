using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using EchoHost.Tests.Infrastructure;
using static EchoHost.Tests.Infrastructure.TlsClient;

namespace EchoHost.Tests.Connections.Tls;

/// <summary>Mutual TLS: which clients are admitted, and what the host logs about the others.</summary>
public sealed class ClientCertificateTests : IDisposable
{
    private const string ForClients = "1.3.6.1.5.5.7.3.2";
    private const string ForServers = "1.3.6.1.5.5.7.3.1";

    private readonly TestCertificate _certificate = new();
    private readonly X509Certificate2 _authority = Authority("authority");

    private string AuthoritiesPath => Path.Combine(_certificate.Folder, "authorities.pem");

    public void Dispose()
    {
        _certificate.Dispose();
        _authority.Dispose();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Those_whom_the_authorities_have_issued_one_are_let_in(SslProtocols protocol)
    {
        await using var host = await StartAsync();
        using var issued = Issue(_authority, ForClients);
        Assert.True(await IsLetInAsync(host, issued, protocol));
        // The host's own probe needs no certificate.
        await host.UntilReadyAsync();
    }

    [Theory]
    [InlineData("none", "the client showed no certificate")]
    [InlineData("stranger", "the client's certificate is from an unknown authority")]
    [InlineData("expired", "the client's certificate expired on ")]
    [InlineData("early", "the client's certificate is not valid before ")]
    [InlineData("server", "the client's certificate is not meant for clients")]
    public async Task What_is_wrong_is_told(string kind, string problem)
    {
        await using var host = await StartAsync();
        using var other = Authority("other");
        var now = DateTimeOffset.UtcNow;
        using var shown = kind switch
        {
            "none" => null,
            "stranger" => Issue(other, ForClients),
            "expired" => Issue(_authority, ForClients, now.AddHours(-3), now.AddHours(-1)),
            "early" => Issue(_authority, ForClients, now.AddHours(1), now.AddHours(3)),
            _ => Issue(_authority, ForServers),
        };
        Assert.False(await IsLetInAsync(host, shown));
        await host.UntilLoggedAsync(e => e.Text.Contains($" turned away: the TLS handshake failed: {problem}", StringComparison.Ordinal), "the host says why");
    }

    /// <summary>The host can't send an alert; the sign is that it requests a certificate and closes without a byte.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait(TestProgram.Trait, TestProgram.Category)]
    public async Task The_command_send_tells_it_too(bool isShown)
    {
        await using var host = await StartAsync();
        string[] shown = [];
        if (isShown)
        {
            using var other = Authority("other");
            using var stranger = Issue(other, ForClients);
            using var key = stranger.GetECDsaPrivateKey()!;
            var path = Path.Combine(_certificate.Folder, "stranger.pem");
            await File.WriteAllTextAsync(path, $"{stranger.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}");
            shown = ["--cert", path];
        }

        var (code, output, _) = await TestCommand.RunAsync(
            ["send", $"{host.EndPoints["Tls"]}", "hello", "--tls", "--insecure", "--timeout", "1m", "--json", .. shown]);
        Assert.Equal(1, code);
        Assert.Equal("tls", JsonDocument.Parse(Assert.Single(output)).RootElement.GetProperty("result").GetString());
    }

    [Fact]
    public async Task One_that_is_only_allowed_must_be_valid_all_the_same()
    {
        await using var host = await StartAsync("AllowCertificate");
        using var other = Authority("other");
        using var stranger = Issue(other, ForClients);
        Assert.True(await IsLetInAsync(host, null));
        Assert.False(await IsLetInAsync(host, stranger));
    }

    [Fact]
    public async Task New_authorities_hold_without_a_restart()
    {
        await using var host = await StartAsync();
        using var other = Authority("other");
        using var issued = Issue(other, ForClients);
        Assert.False(await IsLetInAsync(host, issued));
        await File.WriteAllTextAsync(AuthoritiesPath, "nonsense");
        await host.UntilLoggedAsync(
            e => e.Text.StartsWith("Endpoint Tls keeps its authorities for client certificates, since the new ones can't be used: ", StringComparison.Ordinal),
            "the host says so");
        await File.WriteAllTextAsync(AuthoritiesPath, other.ExportCertificatePem());
        await Wait.UntilAsync(async () => await IsLetInAsync(host, issued), "the new authority is trusted");
        await Wait.UntilAsync(() => host.Log.Lines.Contains("Endpoint Tls has new authorities for client certificates: 1"), "the host says so");
    }

    /// <summary>A client could otherwise make the host connect to any address and wait for the answer.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_is_fetched_because_of_what_a_client_shows(bool hasAuthorities)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var host = await StartAsync("AllowCertificate", hasAuthorities);
        using var other = Authority("other");
        var url = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/issuer.crt";
        using var shown = Issue(other, ForClients, fetchedFrom: url);
        // Offline, or this client itself would download it.
        await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(host, SslStreamCertificateContext.Create(shown, null, offline: true)));
        await host.UntilLoggedAsync(e => e.Text.Contains("from an unknown authority", StringComparison.Ordinal), "the host has looked at it");
        Assert.False(listener.Pending(), "the host came to fetch the issuer's certificate");
    }

    [Theory]
    [InlineData(
        "Echo:Endpoints:Tls:ClientCertificateMode=NoCertificate",
        "but Echo:Endpoints:Tls:ClientCertificateMode is 'NoCertificate'; expected AllowCertificate or RequireCertificate")]
    [InlineData("Echo:Endpoints:Tls:Url=tcp://127.0.0.1:0", "but Echo:Endpoints:Tls:Url is 'tcp://127.0.0.1:0', which is not tls://")]
    public async Task Authorities_that_would_not_be_asked_are_an_error(string setting, string problem)
    {
        await File.WriteAllTextAsync(AuthoritiesPath, _authority.ExportCertificatePem());
        var error = await Assert.ThrowsAsync<EchoHost.Configuration.ConfigurationException>(
            () => EchoHostFixture.StartAsync([.. _certificate.Settings, $"Echo:Endpoints:Tls:ClientCertificateAuthorities={AuthoritiesPath}", setting]));
        Assert.StartsWith($"Echo:Endpoints:Tls:ClientCertificateAuthorities is '{AuthoritiesPath}', {problem}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("nonsense")]
    public async Task Authorities_that_cannot_be_read_are_an_error(string? content)
    {
        if (content is not null)
        {
            await File.WriteAllTextAsync(AuthoritiesPath, content);
        }

        var error = await Assert.ThrowsAsync<EchoHost.Configuration.ConfigurationException>(
            () => EchoHostFixture.StartAsync([
                .. _certificate.Settings,
                "Echo:Endpoints:Tls:ClientCertificateMode=RequireCertificate",
                $"Echo:Endpoints:Tls:ClientCertificateAuthorities={AuthoritiesPath}",
            ]));
        Assert.StartsWith($"Echo:Endpoints:Tls:ClientCertificateAuthorities is '{AuthoritiesPath}': ", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The framework's own chain would leave out certificates that lead to a root other than its own.</summary>
    [Fact]
    public async Task The_certificate_file_is_sent_as_it_is()
    {
        using var old = Authority("old root");
        using var root = Authority("new root");
        using var cross = Sign("new root", root, old);
        using var leaf = Issue(root, ForServers);
        using var key = leaf.GetECDsaPrivateKey()!;
        X509Certificate2[] file = [leaf, root, cross];
        await File.WriteAllTextAsync(_certificate.CertificatePath, string.Join('\n', file.Select(c => c.ExportCertificatePem())));
        await File.WriteAllTextAsync(_certificate.KeyPath, key.ExportPkcs8PrivateKeyPem());
        await using var host = await EchoHostFixture.StartAsync(_certificate.Settings);
        using var client = await host.ConnectAsync("Tls");
        List<string> shown = [];
        await using var stream = new SslStream(new NetworkStream(client.Socket));
#pragma warning disable CA5359 // What is shown is what the test looks at.
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = (_, _, chain, _) =>
            {
                shown = [.. chain!.ChainPolicy.ExtraStore.Select(c => c.SerialNumber)];
                return true;
            },
        }).WaitAsync(Wait.Limit);
#pragma warning restore CA5359
        Assert.Equal(file.Select(c => c.SerialNumber), shown);
    }

    private async Task<EchoHostFixture> StartAsync(string mode = "RequireCertificate", bool hasAuthorities = true)
    {
        await File.WriteAllTextAsync(AuthoritiesPath, _authority.ExportCertificatePem());
        string[] authorities = hasAuthorities ? [$"Echo:Endpoints:Tls:ClientCertificateAuthorities={AuthoritiesPath}"] : [];
        return await EchoHostFixture.StartAsync([.. _certificate.Settings, $"Echo:Endpoints:Tls:ClientCertificateMode={mode}", .. authorities]);
    }

    private static async Task SendAsync(EchoHostFixture host, SslStreamCertificateContext shown)
    {
        using var client = await host.ConnectAsync("Tls");
        await using var stream = new SslStream(new NetworkStream(client.Socket));
#pragma warning disable CA5359 // The certificate is not what is tested.
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ClientCertificateContext = shown,
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        }).WaitAsync(Wait.Limit);
#pragma warning restore CA5359
        await ReadAsync(stream, 1);
    }

    /// <summary>In TLS 1.3 a client sees the rejection only after its side of the handshake.</summary>
    private static async Task<bool> IsLetInAsync(EchoHostFixture host, X509Certificate2? shown, SslProtocols protocol = SslProtocols.None)
    {
        try
        {
            await using var client = await ConnectAsync(host.EndPoints["Tls"], protocol, shown);
            await client.WriteAsync("hello"u8.ToArray());
            return (await ReadAsync(client, 5)).AsSpan().SequenceEqual("hello"u8);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return false;
        }
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return AuthorityRequest(name, key).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>A cross certificate: a root's key and name, signed by another root.</summary>
    private static X509Certificate2 Sign(string name, X509Certificate2 root, X509Certificate2 by)
    {
        using var key = root.GetECDsaPrivateKey()!;
        return AuthorityRequest(name, key).Create(by, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
    }

    private static CertificateRequest AuthorityRequest(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    private static X509Certificate2 Issue(
        X509Certificate2 authority,
        string purpose,
        DateTimeOffset? from = null,
        DateTimeOffset? to = null,
        string? fetchedFrom = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=issued", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: false));
        if (fetchedFrom is not null)
        {
            request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension(null, [fetchedFrom]));
        }

        using var issued = request.Create(
            authority,
            from ?? DateTimeOffset.UtcNow.AddHours(-1),
            to ?? DateTimeOffset.UtcNow.AddHours(1),
            RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }
}
