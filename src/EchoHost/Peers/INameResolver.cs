using System.Net;
using System.Net.Sockets;

namespace EchoHost.Peers;

/// <summary>Finds the addresses of names.</summary>
internal interface INameResolver
{
    /// <summary>Resolves a name to its addresses, in the order in which to try them.</summary>
    /// <exception cref="SocketException">
    /// The name does not exist (<see cref="SocketError.HostNotFound"/>) or has no address (<see cref="SocketError.NoData"/>).
    /// Any other error means that the resolver did not answer.
    /// </exception>
    Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken);

    /// <summary>Forgets the remembered addresses of a name, after none of them accepted a connection.</summary>
    void Forget(string name)
    {
    }
}
