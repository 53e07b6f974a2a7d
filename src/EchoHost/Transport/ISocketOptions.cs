namespace EchoHost.Transport;

/// <summary>A connection's feature: reads a socket's options, without the framework's socket object.</summary>
internal interface ISocketOptions
{
    /// <summary>getsockopt(2).</summary>
    /// <returns>How many bytes of <paramref name="value"/> were written; less than 0 where there is no such option, or no socket any more.</returns>
    int Get(int level, int name, Span<byte> value);
}
