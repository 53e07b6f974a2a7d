using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Peers;

/// <summary>
/// Exchanges messages with an echo in this process, over loopback. The first use of any code includes the time to load and
/// compile it, which must not count as the path's.
/// </summary>
internal static class Warmup
{
    private const string Name = "localhost";

    /// <summary>The time limit of each exchange.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>Exchanges a few messages with an echo in this process.</summary>
    /// <param name="connections">The transport.</param>
    /// <param name="resolver">Resolves <c>localhost</c> if the target has a name.</param>
    /// <param name="target">The peer that the real messages are for; the warm-up connects in the same way.</param>
    /// <param name="stop">Ends the warm-up at once.</param>
    /// <param name="act">Further code to warm up with that echo.</param>
    public static async Task RunAsync(
        IConnectionFactory connections,
        INameResolver resolver,
        PeerTarget target,
        CancellationToken stop,
        Func<PeerClient, PeerTarget, Task>? act = null)
    {
        try
        {
            using var certificate = target.IsTls ? SelfSigned() : null;
            var tls = certificate is null ? null : new PeerTls(Authorities: [certificate]);
            var client = new PeerClient(connections, resolver, new PeerLink(Tls: tls), TimeProvider.System);
            using var echo = new Echo(certificate);
            if (!IPAddress.TryParse(target.Host, out _))
            {
                await resolver.ResolveAsync(Name, stop).WaitAsync(Limit, stop);
            }

            for (var i = 0; i < 3; i++)
            {
                using var limit = new TimeLimit(Limit, TimeProvider.System, stop);
                await client.ProbeAsync(echo.Target, UniquePayload.MinBytes, limit);
            }

            await (act?.Invoke(client, echo.Target) ?? Task.CompletedTask);
        }
        catch (Exception e) when (e is SocketException or PeerException or TimeoutException or CryptographicException or OperationCanceledException)
        {
            // Out of ports, for example; the real messages will report it.
        }
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Name);
        request.CertificateExtensions.Add(names.Build());
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
    }

    /// <summary>A small echo peer on loopback.</summary>
    private sealed class Echo : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly X509Certificate2? _certificate;

        public Echo(X509Certificate2? certificate)
        {
            _certificate = certificate;
            _listener.Start();
            Target = PeerTarget.At(_listener.LocalEndpoint, certificate is not null, Name);
            _ = AcceptAsync();
        }

        public PeerTarget Target { get; }

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    _ = EchoAsync(await _listener.AcceptSocketAsync());
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Disposed.
            }
        }

        private async Task EchoAsync(Socket socket)
        {
            socket.NoDelay = true;
            try
            {
                await using Stream plain = new NetworkStream(socket, ownsSocket: true);
                await using var stream = _certificate is null ? plain : await EncryptAsync(plain, _certificate);
                await stream.CopyToAsync(stream);
            }
            catch (Exception e) when (PeerException.IsConnectionFailure(e))
            {
                // Only this process connects here, and its own side reports the failure.
            }
        }

        private static async Task<Stream> EncryptAsync(Stream plain, X509Certificate2 certificate)
        {
            var stream = new SslStream(plain);
            await stream.AuthenticateAsServerAsync(certificate);
            return stream;
        }
    }
}
