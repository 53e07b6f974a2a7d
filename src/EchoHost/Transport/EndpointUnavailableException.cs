namespace EchoHost.Transport;

/// <summary>An endpoint can't be listened on: one line that names the configuration key, its value and why.</summary>
/// <remarks>An IOException, because Kestrel tries the next address family after any other.</remarks>
internal sealed class EndpointUnavailableException(string message, bool isInUse) : IOException(message)
{
    /// <summary>Somebody else has the port or the path, which is not the configuration's fault.</summary>
    public bool IsInUse { get; } = isInUse;
}
