using System.IO.Pipelines;

namespace EchoHost.Transport;

/// <summary>Two pipes as a transport, for middleware that puts one of its own in place of a connection's.</summary>
internal sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input => input;

    public PipeWriter Output => output;
}
