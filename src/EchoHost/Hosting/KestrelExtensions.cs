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
    /// <summary>The key of the epoll transport whose loops do the arithmetic of TLS.</summary>
    public const string ForTls = "tls";

    /// <summary>Has Kestrel listen on the raw endpoints and the HTTP addresses.</summary>
    public static void AddKestrelEndpoints(this IServiceCollection services, IConfigurationBuilder configuration)
    {
        // The host listens by itself, on Urls too. Left to see these, the framework would warn that it overrides them.
        configuration.AddInMemoryCollection(new Dictionary<string, string?> { [WebHostDefaults.HttpPortsKey] = "", [WebHostDefaults.HttpsPortsKey] = "" });
        services.AddSingleton<IStartupFilter, ForgetHostingUrls>();
        services.AddSingleton<BoundEndpoints>();
        services.AddSingleton<DescriptorReserve>();
        services.AddSingleton(provider => CreateEpoll(provider, "echo loop"));
        // Handshakes are computed on loops of their own: as many at once as there are loops, and neither an echo in the
        // clear nor the thread pool, which answers /health, waits behind them.
        services.AddKeyedSingleton(ForTls, (provider, _) => CreateEpoll(provider, "tls loop"));
        // Kestrel asks the factory registered last first.
        services.AddSingleton<IConnectionListenerFactory, ListenerFactory>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, KestrelSetup>();
    }

    private static EpollTransport CreateEpoll(IServiceProvider provider, string name) => new(
        new EpollTransportOptions { LoopCount = provider.GetRequiredService<TransportOptions>().EventLoops, ThreadName = name },
        provider.GetRequiredService<IMemoryPoolFactory<byte>>(),
        provider.GetRequiredService<ILoggerFactory>());

    /// <summary>Runs after the framework has handed Urls to the server, and before the server starts.</summary>
    private sealed class ForgetHostingUrls : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.ServerFeatures.Get<IServerAddressesFeature>()?.Addresses.Clear();
            next(app);
        };
    }
}
