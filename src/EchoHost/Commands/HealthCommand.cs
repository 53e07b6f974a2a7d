using System.CommandLine;
using EchoHost.Configuration;
using EchoHost.Http;

namespace EchoHost.Commands;

/// <summary><c>EchoHost health [URL]</c>: asks a running host whether it is ready; made for a container's HEALTHCHECK.</summary>
internal static class HealthCommand
{
    private const string ReadyPath = "/health/ready";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var url = new Argument<string?>("URL")
        {
            Description = $"The host to ask, as in http://127.0.0.1:8080 ({ReadyPath} is added where no path is given); by default the address this host's own configuration gives",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("health", "Ask a running host whether it is ready; exit 0 or 1") { url };
        command.SetAction((parsed, cancel) => RunAsync(parsed.GetValue(url), cancel));
        return command;
    }

    private static async Task<int> RunAsync(string? url, CancellationToken cancel)
    {
        Uri target;
        try
        {
            target = url is null ? new Uri(HttpAddress.ParseAll(HostConfiguration.Read([])[HttpAddress.Key])[0].LocalUri, ReadyPath) : Parse(url);
        }
        catch (ConfigurationException e)
        {
            await Console.Error.WriteLineAsync($"EchoHost: {e.Message}");
            return ExitCode.WrongUsage;
        }

        try
        {
            // A proxy that the environment names is for the world outside.
            using var handler = new SocketsHttpHandler { UseProxy = false };
            using var client = new HttpClient(handler) { Timeout = Limit };
            using var response = await client.GetAsync(target, cancel);
            Console.WriteLine(await response.Content.ReadAsStringAsync(cancel));
            return response.IsSuccessStatusCode ? ExitCode.Done : ExitCode.Failed;
        }
        catch (HttpRequestException e)
        {
            return await FailAsync(target, e.InnerException?.Message ?? e.Message);
        }
        catch (OperationCanceledException)
        {
            return await FailAsync(target, $"no answer within {Limit.TotalSeconds:0} s");
        }
    }

    private static Uri Parse(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            ? uri.AbsolutePath == "/" ? new Uri(uri, ReadyPath) : uri
            : throw new ConfigurationException($"'{url}' is not a URL; expected http://HOST:PORT");

    private static async Task<int> FailAsync(Uri target, string why)
    {
        await Console.Error.WriteLineAsync($"EchoHost: {target}: {why}");
        return ExitCode.Failed;
    }
}
