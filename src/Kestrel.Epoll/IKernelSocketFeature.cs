namespace Kestrel.Epoll;

/// <summary>
/// A connection's feature: its socket as the kernel has it. It asks nothing of the framework's <c>Socket</c>, which would
/// have to be made for each connection (<c>IConnectionSocketFeature</c> does so for code that needs one).
/// </summary>
public interface IKernelSocketFeature
{
    /// <summary>How many bytes the kernel has received that are not read yet (FIONREAD, tcp(7)); 0 once the connection is closed.</summary>
    int UnreadBytes { get; }

    /// <summary>getsockopt(2), such as TCP_INFO.</summary>
    /// <param name="level">The option's level, such as IPPROTO_TCP.</param>
    /// <param name="name">The option.</param>
    /// <param name="value">Where its value goes.</param>
    /// <returns>How many bytes of <paramref name="value"/> were written; less than 0 where there is no such option, or the connection is closed.</returns>
    int GetOption(int level, int name, Span<byte> value);

    /// <summary>Sends FIN behind what the kernel has been given (shutdown(2), SHUT_WR); reading goes on.</summary>
    void ShutdownSend();
}
