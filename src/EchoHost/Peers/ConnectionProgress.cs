using System.Globalization;

namespace EchoHost.Peers;

/// <summary>The progress of a connection when it ended.</summary>
/// <param name="Messages">The number of messages that had come back.</param>
/// <param name="Received">The number of bytes of the next message that had come back.</param>
/// <param name="Length">The length of that message in bytes; null for a line, whose length is not known.</param>
/// <param name="Age">How long the connection lasted.</param>
/// <param name="WasCertificateWanted">Whether the peer asked for a certificate in the TLS handshake.</param>
internal readonly record struct ConnectionProgress(long Messages, long Received, long? Length, TimeSpan Age, bool WasCertificateWanted = false)
{
    /// <summary>Whether no byte came back, as when a peer turns the connection away.</summary>
    public bool IsNone => Messages == 0 && Received == 0;

    /// <summary>The progress in words, as in <c>after 3 messages, 12.1 s</c>.</summary>
    public override string ToString()
    {
        var bytes = Received == 0 ? ""
            : Length is null ? string.Create(CultureInfo.InvariantCulture, $"{Received} bytes of a line")
            : string.Create(CultureInfo.InvariantCulture, $"{Received} of {Length} bytes");
        var messages = Messages > 0 ? string.Create(CultureInfo.InvariantCulture, $"{Messages} {(Messages == 1 ? "message" : "messages")}") : "";
        var and = bytes.Length > 0 && messages.Length > 0 ? " and " : "";
        return IsNone ? $"before a byte came back, after {Text(Age)}" : $"after {messages}{and}{bytes}, {Text(Age)}";
    }

    /// <summary>A time as error messages show it: <c>12.1 s</c>, <c>250 ms</c>.</summary>
    public static string Text(TimeSpan time) => time switch
    {
        { TotalSeconds: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s"),
        { TotalMilliseconds: >= 10 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.#} ms"),
    };
}
