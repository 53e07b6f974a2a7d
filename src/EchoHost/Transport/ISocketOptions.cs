namespace EchoHost.Transport;

/// <summary>A connection's feature: its socket's options and state, without the framework's socket object.</summary>
internal interface ISocketOptions
{
    /// <summary>How many bytes the kernel has received that are not read yet (FIONREAD, tcp(7)); 0 once there is no socket any more.</summary>
    int UnreadBytes { get; }

    /// <summary>getsockopt(2).</summary>
    /// <returns>How many bytes of <paramref name="value"/> were written; less than 0 where there is no such option, or no socket any more.</returns>
    int Get(int level, int name, Span<byte> value);

    /// <summary>Sends FIN behind what the kernel has been given (shutdown(2), SHUT_WR); reading goes on.</summary>
    void EndSending();
}
