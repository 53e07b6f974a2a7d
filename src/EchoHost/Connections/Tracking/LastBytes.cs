using System.IO.Pipelines;
using EchoHost.Connections.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace EchoHost.Connections.Tracking;

/// <summary>The end of a connection's sending side.</summary>
internal static class LastBytes
{
    /// <summary>
    /// Sends what was written, then TLS's close_notify where there is TLS (RFC 8446, section 6.1), and waits until the
    /// transport has sent it all or has given up.
    /// </summary>
    public static async Task SendAsync(ConnectionContext context)
    {
        try
        {
            await context.Transport.Output.CompleteAsync();
            if (context.Features.Get<ISslStreamFeature>() is { } tls)
            {
                await tls.SslStream.ShutdownAsync();
            }
        }
        catch (Exception)
        {
            // The connection is gone, or its TLS in no state to be ended well; either way nobody is there to send to. What
            // is thrown here is many things, OpenSSL's among them, and none may keep the connection from being forgotten.
        }

        // Below TLS, the transport's own.
        await DrainAsync(context.Features.Get<TransportOutput>()?.Output ?? context.Transport.Output);
    }

    private static async Task DrainAsync(PipeWriter output)
    {
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
#pragma warning disable CS0618 // Deprecated because not every PipeWriter calls back; the transport's own Pipe does, and nothing else tells.
        output.OnReaderCompleted(static (_, state) => ((TaskCompletionSource)state!).TrySetResult(), taken);
#pragma warning restore CS0618
        await output.CompleteAsync();
        await taken.Task;
    }
}
