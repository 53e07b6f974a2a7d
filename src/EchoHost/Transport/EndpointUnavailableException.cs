using System.Net.Sockets;

namespace EchoHost.Transport;

/// <summary>An endpoint can't be listened on: one line that names the configuration key, the URL and why.</summary>
/// <remarks>An IOException, because Kestrel tries the next address family after any other.</remarks>
internal sealed class EndpointUnavailableException(string message, SocketError error) : IOException(message)
{
    /// <summary>A port that somebody else has is not the configuration's fault.</summary>
    public bool IsInUse { get; } = error == SocketError.AddressAlreadyInUse;
}
