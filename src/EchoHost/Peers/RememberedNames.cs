using System.Collections.Concurrent;
using System.Net;

namespace EchoHost.Peers;

/// <summary>
/// Remembers the addresses of each name until none of them accepts a connection, so that the measured times don't include
/// repeated lookups.
/// </summary>
/// <param name="resolver">The resolver to ask.</param>
internal sealed class RememberedNames(INameResolver resolver) : INameResolver
{
    private readonly ConcurrentDictionary<string, IPAddress[]> _known = new(StringComparer.OrdinalIgnoreCase);

    public async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken) =>
        _known.TryGetValue(name, out var known) ? known : _known[name] = await resolver.ResolveAsync(name, cancellationToken);

    public void Forget(string name) => _known.TryRemove(name, out _);
}
