using EchoHost.Connections.Tls;
using EchoHost.Descriptors;
using EchoHost.Endpoints;
using EchoHost.Transport;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace EchoHost.Hosting;

internal static class KestrelExtensions
{
    /// <summary>The service key of the epoll transport whose loops run TLS.</summary>
    public const string ForTls = "tls";

    /// <summary>Makes Kestrel listen on the raw endpoints and the HTTP addresses.</summary>
    public static void AddKestrelEndpoints(this IServiceCollection services, IConfigurationBuilder configuration)
    {
        // The host opens the listeners of Urls itself. If the framework saw these keys, it would warn that they are overridden.
        configuration.AddInMemoryCollection(new Dictionary<string, string?> { [WebHostDefaults.HttpPortsKey] = "", [WebHostDefaults.HttpsPortsKey] = "" });
        services.AddSingleton<IStartupFilter, ForgetHostingUrls>();
        services.AddSingleton<BoundEndpoints>();
        services.AddSingleton<DescriptorReserve>();
        services.AddSingleton(provider => CreateEpoll(provider, "echo loop", provider.GetRequiredService<IMemoryPoolFactory<byte>>()));
        // TLS handshakes run on loops of their own, at most one per loop at a time, so that neither plaintext echoes nor
        // the thread pool, which answers /health, wait behind them.
        services.AddKeyedSingleton(ForTls, (provider, _) => CreateEpoll(provider, "tls loop", new RecordMemory.Factory()));
        // Kestrel asks the factory that was registered last first.
        services.AddSingleton<IConnectionListenerFactory, ListenerFactory>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, KestrelSetup>();
    }

    /// <summary>Completes when every event loop has run a call that is queued now: none of them hangs.</summary>
    public static Task EventLoopsRespondAsync(IServiceProvider services) => Task.WhenAll(
        services.GetRequiredService<EpollTransport>().RespondAsync(),
        services.GetRequiredKeyedService<EpollTransport>(ForTls).RespondAsync());

    private static EpollTransport CreateEpoll(IServiceProvider provider, string name, IMemoryPoolFactory<byte> memory) => new(
        new EpollTransportOptions { LoopCount = provider.GetRequiredService<TransportOptions>().EventLoops, ThreadName = name },
        memory,
        provider.GetRequiredService<ILoggerFactory>());

    /// <summary>
    /// Clears the server's addresses after the framework has copied Urls to them, and before the server starts.
    /// </summary>
    private sealed class ForgetHostingUrls : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.ServerFeatures.Get<IServerAddressesFeature>()?.Addresses.Clear();
            next(app);
        };
    }
}
