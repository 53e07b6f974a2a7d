namespace Kestrel.Epoll;

/// <summary>
/// A connection's socket in the kernel, as a feature. It needs no <c>Socket</c> object, which would have to be created for each
/// connection (<c>IConnectionSocketFeature</c> does that for code that needs one).
/// </summary>
public interface IKernelSocketFeature
{
    /// <summary>The number of received bytes that are not read yet (FIONREAD, tcp(7)); 0 once the connection is closed.</summary>
    int UnreadBytes { get; }

    /// <summary>Reads a socket option, such as TCP_INFO (getsockopt(2)).</summary>
    /// <param name="level">The option's level, such as IPPROTO_TCP.</param>
    /// <param name="name">The option's name.</param>
    /// <param name="value">The buffer for its value.</param>
    /// <returns>
    /// The number of bytes written to <paramref name="value"/>; negative if there is no such option, or the connection is
    /// closed.
    /// </returns>
    int GetOption(int level, int name, Span<byte> value);

    /// <summary>Sends FIN after all bytes that the kernel holds (shutdown(2), SHUT_WR); reading continues.</summary>
    void ShutdownSend();
}
