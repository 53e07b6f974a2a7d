namespace EchoHost.Transport;

/// <summary>
/// The host can't listen on an endpoint. The message is one line with the configuration key, its value and the reason.
/// </summary>
/// <remarks>An IOException, because Kestrel answers any other exception by trying the next address family.</remarks>
internal sealed class EndpointUnavailableException(string message, bool isInUse) : IOException(message)
{
    /// <summary>Whether another process has the port or the path, so that the configuration is not at fault.</summary>
    public bool IsInUse { get; } = isInUse;
}
