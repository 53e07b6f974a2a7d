using System.Net;
using System.Net.Sockets;

namespace EchoHost.Peers;

/// <summary>Finds the addresses of names.</summary>
internal interface INameResolver
{
    /// <summary>A name's addresses, in the order in which they are to be tried.</summary>
    /// <exception cref="SocketException">
    /// There are none: <see cref="SocketError.HostNotFound"/> or <see cref="SocketError.NoData"/> where that is certain,
    /// else the resolver did not answer.
    /// </exception>
    Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken);

    /// <summary>No connection was accepted at a name's addresses: where they were remembered, they are worth asking for again.</summary>
    void Forget(string name)
    {
    }
}
