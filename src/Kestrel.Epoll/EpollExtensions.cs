using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Epoll;

/// <summary>Adds the epoll transport to Kestrel.</summary>
public static class EpollExtensions
{
    /// <summary>
    /// Makes Kestrel listen with the epoll transport instead of its own sockets. The <see cref="EpollTransport"/> is a
    /// singleton in the services, so that an <see cref="EpollConnectionFactory"/> can use the same loops. HTTP/3 stays on
    /// QUIC.
    /// </summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="configure">Sets the options.</param>
    /// <exception cref="PlatformNotSupportedException">
    /// This system has no epoll (<see cref="EpollTransport.IsSupported"/>).
    /// </exception>
    public static IWebHostBuilder UseEpoll(this IWebHostBuilder builder, Action<EpollTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        EpollTransport.ThrowUnlessSupported();
        return builder.ConfigureServices(services =>
        {
            services.AddOptions<EpollTransportOptions>().Configure(options => configure?.Invoke(options));
            services.TryAddSingleton(provider => new EpollTransport(
                provider.GetRequiredService<IOptions<EpollTransportOptions>>().Value,
                provider.GetService<IMemoryPoolFactory<byte>>(),
                provider.GetService<ILoggerFactory>()));
            // Kestrel asks the factory that was registered last first.
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, EpollListenerFactory>());
        });
    }

    /// <summary>
    /// Starts the connections of this end point on their event loops. Kestrel starts each on the thread pool, a hop of threads
    /// that can take as long as all the rest of a short connection. Call it before any middleware is added: connections
    /// pass by what was added earlier, such as TLS.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Kestrel then knows nothing of these connections. It does not log, measure or limit them, and their features have
    /// nothing of its own (<c>IConnectionLifetimeNotificationFeature</c>, <c>IConnectionHeartbeatFeature</c>,
    /// <c>IConnectionCompleteFeature</c>, and what its HTTP and TLS need): this is for middleware and handlers of raw
    /// connections. A server that stops gives those that are left a second to end, and aborts the rest.
    /// </para>
    /// <para>
    /// The middleware starts on the loop, like continuations where <see cref="EpollTransportOptions.ContinueOnLoop"/> says so, and
    /// the same rules hold: what computes for long or blocks holds up other connections.
    /// </para>
    /// <para>
    /// It has no effect with <see cref="KestrelServerOptions.ListenLocalhost(int)"/>, which listens on two copies of the options.
    /// </para>
    /// </remarks>
    /// <param name="listen">The options of the end point.</param>
    /// <exception cref="InvalidOperationException">The server does not use the epoll transport.</exception>
    public static ListenOptions StartOnLoop(this ListenOptions listen)
    {
        ArgumentNullException.ThrowIfNull(listen);
        var transport = listen.ApplicationServices.GetRequiredService<EpollTransport>();
        listen.Use(next =>
        {
            transport.SetStart(listen.EndPoint, next);
            return next;
        });
        return listen;
    }
}
