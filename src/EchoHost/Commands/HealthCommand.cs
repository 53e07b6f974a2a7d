using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using EchoHost.Configuration;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Endpoints;
using EchoHost.Hosting;
using EchoHost.Http;
using Kestrel.ProxyProtocol;

namespace EchoHost.Commands;

/// <summary><c>EchoHost health [URL]</c>: asks a running host whether it is ready; for a container's HEALTHCHECK.</summary>
internal static class HealthCommand
{
    private const string ReadyPath = "/health/ready";
    private const string ProxyProtocolKey = $"{HttpOptions.SectionName}:{nameof(HttpOptions.ProxyProtocol)}";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var url = new Argument<string?>("URL")
        {
            Description = $"The host to ask, as in http://127.0.0.1:8080 (a URL without a path gets {ReadyPath}); "
                + "default: the address in this host's own configuration",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("health", "Ask a running host whether it is ready; exit 0 if it is, else 1") { url };
        command.SetAction((parsed, cancel) => RunAsync(parsed.GetValue(url), parsed.InvocationConfiguration, cancel));
        return command;
    }

    private static async Task<int> RunAsync(string? url, InvocationConfiguration console, CancellationToken cancel)
    {
        var target = url is null ? null : Parse(url);
        var sendHeader = false;
        if (target is null)
        {
            var configuration = HostConfiguration.Read([]);
            target = new Uri(HttpAddress.ParseAll(configuration[HttpAddress.Key])[0].LocalUri, ReadyPath);
            sendHeader = string.Equals(configuration[ProxyProtocolKey], nameof(ProxyProtocolMode.Required), StringComparison.OrdinalIgnoreCase);
        }

        try
        {
            // Ignore the environment's HTTP proxy; it is for other networks.
            using var handler = new SocketsHttpHandler
            {
                UseProxy = false,
                ConnectCallback = (context, stop) => ConnectAsync(context.DnsEndPoint, sendHeader, stop),
            };
            using var client = new HttpClient(handler) { Timeout = Limit };
            using var response = await client.GetAsync(target, cancel);
            var body = await response.Content.ReadAsStringAsync(cancel);
            if (body.Length > 0)
            {
                console.Output.WriteLine(body);
            }

            return response.IsSuccessStatusCode
                ? ExitCode.Done
                : CommandLine.Fail(console.Error, ExitCode.Failed, $"{target}: {(int)response.StatusCode} {response.ReasonPhrase}");
        }
        catch (HttpRequestException e)
        {
            return CommandLine.Fail(console.Error, ExitCode.Failed, $"{target}: {e.InnerException?.Message ?? e.Message}");
        }
        catch (OperationCanceledException)
        {
            return CommandLine.Fail(console.Error, ExitCode.Failed, $"{target}: no answer within {Limit.TotalSeconds:0} s");
        }
    }

    /// <summary>
    /// Connects. If <paramref name="sendHeader"/> is set, sends the PROXY header LOCAL first, as a balancer does for its
    /// own health checks.
    /// </summary>
    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint target, bool sendHeader, CancellationToken cancel)
    {
        var socket = target.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            ? await ConnectToLoopbackAsync(target.Port, cancel)
            : await ConnectAsync(target, cancel);
        var stream = new NetworkStream(socket, ownsSocket: true);
        if (sendHeader)
        {
            await stream.WriteAsync(ProxyHeaderWriter.Local, cancel);
        }

        return stream;
    }

    /// <summary>Tries both loopback addresses in turn, without a resolver; a machine may have only one of them.</summary>
    private static async Task<Socket> ConnectToLoopbackAsync(int port, CancellationToken cancel)
    {
        try
        {
            return await ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancel);
        }
        catch (SocketException first)
        {
            try
            {
                return await ConnectAsync(new IPEndPoint(IPAddress.IPv6Loopback, port), cancel);
            }
            catch (SocketException second) when (second.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable)
            {
                throw first;
            }
        }
    }

    private static async Task<Socket> ConnectAsync(EndPoint target, CancellationToken cancel)
    {
        var socket = target is IPEndPoint ip
            ? new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target, cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Uri Parse(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            ? uri.AbsolutePath == "/" ? new Uri(uri, ReadyPath) : uri
            : throw new ConfigurationException($"'{url}' is not a URL; expected http://HOST:PORT");
}
