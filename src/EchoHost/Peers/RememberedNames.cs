using System.Collections.Concurrent;
using System.Net;

namespace EchoHost.Peers;

/// <summary>Asks for each name once, and again only after no connection was accepted at its addresses: looking a name up again and again is not the path's time.</summary>
/// <param name="resolver">The resolver that is asked.</param>
internal sealed class RememberedNames(INameResolver resolver) : INameResolver
{
    private readonly ConcurrentDictionary<string, IPAddress[]> _known = new(StringComparer.OrdinalIgnoreCase);

    public async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken) =>
        _known.TryGetValue(name, out var known) ? known : _known[name] = await resolver.ResolveAsync(name, cancellationToken);

    public void Forget(string name) => _known.TryRemove(name, out _);
}
