using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
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
}
