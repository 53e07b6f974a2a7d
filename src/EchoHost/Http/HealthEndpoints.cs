using System.Text.Json;
using EchoHost.Connections.Admission;
using EchoHost.Peers;
using EchoHost.Transport;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;

namespace EchoHost.Http;

internal static class HealthEndpoints
{
    public static void AddHealth(this IServiceCollection services)
    {
        // The host probes itself with an ordinary client, over sockets that it recognises, and accepts any certificate.
        services.AddKeyedSingleton(EchoHealthCheck.OwnClient, (provider, _) => new SocketsConnectionFactory(
            NullLoggerFactory.Instance,
            provider.GetRequiredService<SelfProbes>().Open));
        services.AddKeyedSingleton(EchoHealthCheck.OwnClient, (provider, key) => new PeerClient(
            provider.GetRequiredKeyedService<SocketsConnectionFactory>(key),
            provider.GetRequiredService<INameResolver>(),
            new PeerLink(Tls: new PeerTls(IsInsecure: true)),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<EchoHealthCheck>();
        services.AddHostedService(provider => provider.GetRequiredService<EchoHealthCheck>());
        services.AddHealthChecks()
            .AddCheck<ReadyHealthCheck>("accepting")
            .AddCheck<EchoHealthCheck>("echo")
            .AddCheck<AdmissionHealthCheck>("admission");
    }

    /// <summary>
    /// Maps the health endpoints. <c>/health/live</c> runs no check: any response means alive. <c>/health/ready</c> and
    /// <c>/health</c> run all checks, and respond with 200 or 503 and JSON.
    /// </summary>
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        Map(app, "/health", _ => true);
        Map(app, "/health/live", _ => false);
        Map(app, "/health/ready", _ => true);
    }

    /// <summary>Maps a path for GET and HEAD; the framework's own mapping accepts every method.</summary>
    private static void Map(IEndpointRouteBuilder app, string path, Func<HealthCheckRegistration, bool> predicate) =>
        app.MapHealthChecks(path, Options(predicate)).WithMetadata(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]));

    private static HealthCheckOptions Options(Func<HealthCheckRegistration, bool> predicate) => new()
    {
        Predicate = predicate,
        ResponseWriter = WriteAsync,
    };

    private static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", report.Status.ToString());
        json.WriteStartObject("checks");
        foreach (var (name, entry) in report.Entries)
        {
            json.WriteStartObject(name);
            json.WriteString("status", entry.Status.ToString());
            json.WriteString("description", entry.Description);
            json.WriteNumber("durationMs", Math.Round(entry.Duration.TotalMilliseconds, 3));
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
