using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A test client with TLS.</summary>
internal static class TlsClient
{
    public static Task<SslStream> ConnectAsync(EchoHostFixture host, SslProtocols protocol = SslProtocols.None) =>
        ConnectAsync(host.EndPoints["Tls"], protocol, null);

    public static async Task<SslStream> ConnectAsync(EndPoint target, SslProtocols protocol, X509Certificate2? certificate, params string[] alpn)
    {
        var client = await EchoClient.ConnectAsync(target, receiveBuffer: 64 * 1024);
        return await EncryptAsync(client.Socket, protocol, certificate, alpn);
    }

    public static async Task<SslStream> EncryptAsync(Socket socket, SslProtocols protocol, X509Certificate2? certificate, params string[] alpn)
    {
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        using var limit = new CancellationTokenSource(Wait.Limit);
#pragma warning disable CA5359 // Made for the test; what it is, the test looks at.
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = protocol,
                ApplicationProtocols = alpn.Length == 0 ? null : [.. alpn.Select(name => new SslApplicationProtocol(name))],
                ClientCertificates = certificate is null ? null : [certificate],
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            },
            limit.Token);
#pragma warning restore CA5359
        return stream;
    }

    public static async Task<byte[]> ReadAsync(SslStream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes).AsTask().WaitAsync(Wait.Limit);
        return bytes;
    }
}
