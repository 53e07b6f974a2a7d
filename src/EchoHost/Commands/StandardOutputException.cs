namespace EchoHost.Commands;

/// <summary>Standard output can't be written.</summary>
/// <param name="message">The reason.</param>
/// <param name="isReaderGone">
/// Whether the reader has closed the pipe, as <c>| head</c> does; this is not reported as an error.
/// </param>
internal sealed class StandardOutputException(string message, bool isReaderGone) : Exception(message)
{
    public bool IsReaderGone { get; } = isReaderGone;
}
