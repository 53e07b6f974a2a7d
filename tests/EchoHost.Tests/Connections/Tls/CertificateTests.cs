using System.Diagnostics;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using EchoHost.Tests.Infrastructure;
using static EchoHost.Tests.Infrastructure.TlsClient;

namespace EchoHost.Tests.Connections.Tls;

/// <summary>The certificates that an endpoint presents, requests and rejects in a handshake.</summary>
public sealed class CertificateTests : IDisposable
{
    private readonly TestCertificate _certificate = new();

    public void Dispose() => _certificate.Dispose();

    [Fact]
    public async Task A_new_certificate_is_shown_without_a_restart()
    {
        await using var host = await EchoHostFixture.StartAsync(_certificate.Settings);
        await using var before = await ConnectAsync(host);
        Assert.Equal("CN=localhost", before.RemoteCertificate!.Subject);
        _certificate.Write("renewed");
        await Wait.UntilAsync(async () => await SubjectAsync(host) == "CN=renewed", "the new certificate is shown");
        await Wait.UntilAsync(
            () => host.Log.Lines.Any(l => l.StartsWith("Endpoint Tls has a new certificate: CN=renewed, valid to ", StringComparison.Ordinal)),
            "the host says so");
        // Open connections are not affected.
        await before.WriteAsync("still"u8.ToArray());
        Assert.Equal("still", Encoding.ASCII.GetString(await ReadAsync(before, 5)));
    }

    /// <summary>
    /// An update as Kubernetes does it for a mounted secret: the files are links through a folder that is swapped.
    /// </summary>
    [Fact]
    public async Task A_certificate_behind_a_swapped_link_is_noticed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs symbolic links");
        var mount = Path.Combine(_certificate.Folder, "mount");
        TestCertificate.WriteTo(Path.Combine(mount, "..v1"), "one").Dispose();
        File.CreateSymbolicLink(Path.Combine(mount, "..data"), "..v1");
        File.CreateSymbolicLink(Path.Combine(mount, "tls.crt"), "..data/tls.crt");
        File.CreateSymbolicLink(Path.Combine(mount, "tls.key"), "..data/tls.key");
        await using var host = await EchoHostFixture.StartAsync(
            "Echo:Endpoints:Tls:Url=tls://127.0.0.1:0",
            $"Echo:Endpoints:Tls:Certificate:Path={mount}/tls.crt",
            $"Echo:Endpoints:Tls:Certificate:KeyPath={mount}/tls.key");
        Assert.Equal("CN=one", await SubjectAsync(host));

        TestCertificate.WriteTo(Path.Combine(mount, "..v2"), "two").Dispose();
        File.CreateSymbolicLink(Path.Combine(mount, "..new"), "..v2");
        // rename(2), which File.Move does not do for a link to a folder.
        using var move = Process.Start("/bin/mv", ["-T", Path.Combine(mount, "..new"), Path.Combine(mount, "..data")]);
        await move.WaitForExitAsync().WaitAsync(Wait.Limit);
        await Wait.UntilAsync(async () => await SubjectAsync(host) == "CN=two", "the new certificate is shown");
    }

    [Fact]
    public async Task A_bad_new_certificate_leaves_the_old_one_in_force()
    {
        await using var host = await EchoHostFixture.StartAsync(_certificate.Settings);
        await File.WriteAllTextAsync(_certificate.CertificatePath, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
        var kept = "Endpoint Tls keeps its certificate, since the new one can't be used: "
            + $"Certificate:Path is '{_certificate.CertificatePath}': it holds no certificate that can be read";
        await Wait.UntilAsync(() => host.Log.Lines.Contains(kept), "the host says so, and which file it is");
        Assert.Equal("CN=localhost", await SubjectAsync(host));
        File.Delete(_certificate.CertificatePath);
        Assert.Equal("CN=localhost", await SubjectAsync(host));
        _certificate.Write("mended");
        await Wait.UntilAsync(async () => await SubjectAsync(host) == "CN=mended", "the mended certificate is shown");
    }

    [Fact]
    public async Task PFX_and_encrypted_keys_are_read_too()
    {
        var pfx = Path.Combine(_certificate.Folder, "all.pfx");
        await File.WriteAllBytesAsync(pfx, _certificate.Certificate.Export(X509ContentType.Pkcs12, "secret"));
        using var key = _certificate.Certificate.GetECDsaPrivateKey()!;
        var encrypted = Path.Combine(_certificate.Folder, "encrypted.key");
        await File.WriteAllTextAsync(
            encrypted,
            key.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        await using var host = await EchoHostFixture.StartAsync(
            "Echo:Endpoints:Tls:Url=tls://127.0.0.1:0",
            $"Echo:Endpoints:Tls:Certificate:Path={pfx}",
            "Echo:Endpoints:Tls:Certificate:Password=secret",
            "Echo:Endpoints:Pem:Url=tls://127.0.0.1:0",
            $"Echo:Endpoints:Pem:Certificate:Path={_certificate.CertificatePath}",
            $"Echo:Endpoints:Pem:Certificate:KeyPath={encrypted}",
            "Echo:Endpoints:Pem:Certificate:Password=secret");
        Assert.Equal("CN=localhost", await SubjectAsync(host));
        Assert.Equal("CN=localhost", await SubjectAsync(host, "Pem"));
    }

    /// <summary>The message names the key to correct, and shows no secret.</summary>
    [Theory]
    [InlineData("all.pfx", "", "", "Password is not set, and '/all.pfx' is encrypted with one")]
    [InlineData("all.pfx", "", "wrong!", "Password is not the one that '/all.pfx' is encrypted with")]
    [InlineData("broken.pfx", "", "secret", "Path is '/broken.pfx': it is neither PEM nor PFX with a private key")]
    [InlineData("tls.crt", "encrypted.key", "", "Password is not set, and the key in '/encrypted.key' is encrypted with one")]
    [InlineData("tls.crt", "encrypted.key", "wrong!", "Password is not the one that the key in '/encrypted.key' is encrypted with")]
    [InlineData("tls.crt", "tls.key", "secret", "Password is set, but the key in '/tls.key' is not encrypted")]
    [InlineData("tls.crt", "other.key", "", "KeyPath is '/other.key': its key is not that of the certificate in '/tls.crt'")]
    [InlineData("tls.crt", "rsa.key", "", "KeyPath is '/rsa.key': its key is not that of the certificate in '/tls.crt'")]
    [InlineData("tls.crt", "tls.crt", "", "KeyPath is '/tls.crt': it holds no private key")]
    [InlineData("tls.crt", "", "", "Path is '/tls.crt': it holds no private key, and KeyPath is not set")]
    [InlineData("broken.pem", "tls.key", "", "Path is '/broken.pem': it holds no certificate that can be read")]
    [InlineData("tls.key", "tls.key", "", "Path is '/tls.key': it holds no certificate that can be read")]
    [InlineData("none.crt", "tls.key", "", "Path is '/none.crt': Could not find file")]
    [InlineData("tls.crt", "none.key", "", "KeyPath is '/none.key': Could not find file")]
    public async Task What_can_not_be_used_names_the_key_to_set_right(string path, string keyPath, string password, string problem)
    {
        var folder = _certificate.Folder;
        await File.WriteAllBytesAsync($"{folder}/all.pfx", _certificate.Certificate.Export(X509ContentType.Pkcs12, "secret"));
        await File.WriteAllTextAsync($"{folder}/broken.pfx", "nonsense");
        await File.WriteAllTextAsync($"{folder}/broken.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
        using var key = _certificate.Certificate.GetECDsaPrivateKey()!;
        var encryption = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
        await File.WriteAllTextAsync($"{folder}/encrypted.key", key.ExportEncryptedPkcs8PrivateKeyPem("secret", encryption));
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync($"{folder}/other.key", other.ExportPkcs8PrivateKeyPem());
        using var rsa = RSA.Create(2048);
        await File.WriteAllTextAsync($"{folder}/rsa.key", rsa.ExportPkcs8PrivateKeyPem());
        string[] settings =
        [
            "Echo:Endpoints:Tls:Url=tls://127.0.0.1:0",
            $"Echo:Endpoints:Tls:Certificate:Path={folder}/{path}",
            $"Echo:Endpoints:Tls:Certificate:KeyPath={(keyPath.Length > 0 ? $"{folder}/{keyPath}" : "")}",
            $"Echo:Endpoints:Tls:Certificate:Password={password}",
        ];
        var error = await Assert.ThrowsAsync<EchoHost.Configuration.ConfigurationException>(() => EchoHostFixture.StartAsync(settings));
        Assert.StartsWith($"Echo:Endpoints:Tls:Certificate:{problem}", error.Message.Replace(folder, "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("wrong!", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait(TestProgram.Trait, TestProgram.Category)]
    public async Task A_client_certificate_can_be_required()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sets the system's trust by OpenSSL's variable");
        using var client = TestCertificate.Create("client");
        var trusted = Path.Combine(_certificate.Folder, "trusted.crt");
        await File.WriteAllTextAsync(trusted, client.ExportCertificatePem());
        using var host = await EchoHostProcess.StartHostAsync(
            [
                "--Echo:Endpoints:Tcp:Url=tls://127.0.0.1:0",
                $"--Echo:Endpoints:Tcp:Certificate:Path={_certificate.CertificatePath}",
                $"--Echo:Endpoints:Tcp:Certificate:KeyPath={_certificate.KeyPath}",
                "--Echo:Endpoints:Tcp:ClientCertificateMode=RequireCertificate",
            ],
            ("SSL_CERT_FILE", trusted));
        await using (var with = await ConnectAsync(host.Tcp, SslProtocols.None, client))
        {
            await with.WriteAsync("hello"u8.ToArray());
            Assert.Equal("hello", Encoding.ASCII.GetString(await ReadAsync(with, 5)));
        }

        using var stranger = TestCertificate.Create("stranger");
        foreach (var shown in new[] { null, stranger })
        {
            // In TLS 1.3 the client sees the rejection only after its side of the handshake.
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await using var refused = await ConnectAsync(host.Tcp, SslProtocols.None, shown);
                await refused.WriteAsync("hello"u8.ToArray());
                await ReadAsync(refused, 5);
            });
        }

        // The host's own probe needs no certificate.
        using var http = new HttpClient { BaseAddress = host.HttpUrl, Timeout = Wait.Limit };
        await Wait.UntilAsync(async () => (await http.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK, "the host is ready");
    }

    [Fact]
    public async Task Older_TLS_is_refused()
    {
        await using var host = await EchoHostFixture.StartAsync(_certificate.Settings);
#pragma warning disable SYSLIB0039, CA5397 // What is refused must be tried.
        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(host, SslProtocols.Tls11));
#pragma warning restore SYSLIB0039, CA5397
    }

    private static async Task<string> SubjectAsync(EchoHostFixture host, string endpoint = "Tls")
    {
        await using var client = await ConnectAsync(host.EndPoints[endpoint], SslProtocols.None, null);
        return client.RemoteCertificate!.Subject;
    }
}
