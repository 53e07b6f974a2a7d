using System.IO.Pipelines;
using EchoHost.Connections.Tls;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace EchoHost.Connections.Tracking;

/// <summary>The end of a connection's sending side.</summary>
internal static class GracefulClose
{
    /// <summary>
    /// How long a client has to send its FIN after the host's. Measured in real time, not by a <see cref="TimeProvider"/>.
    /// </summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(500);

    /// <summary>The maximum number of <see cref="Linger"/> periods while sent bytes are unacknowledged.</summary>
    private const int MaxLingers = 10;

    /// <summary>
    /// Sends what was written, then TLS's close_notify if the connection has TLS (RFC 8446, section 6.1), and waits until the
    /// transport has sent everything or has given up. A close that the host starts also sends FIN, then reads and discards
    /// input until the client's FIN or a limit: closing a socket with unread bytes, or receiving bytes after the close,
    /// makes the kernel send RST (RFC 1122, section 4.2.2.13), which can destroy data still on its way to the client.
    /// </summary>
    /// <param name="context">The connection.</param>
    /// <param name="socket">Its socket, if the host starts the close; null to send no FIN and wait for none.</param>
    public static async Task SendAsync(ConnectionContext context, IKernelSocketFeature? socket)
    {
        var inner = context.Features.Get<InnerTransport>()?.Pipes ?? context.Transport;
        try
        {
            if (context.Features.Get<ISslStreamFeature>() is { } tls)
            {
                await context.Transport.Output.CompleteAsync();
                await tls.SslStream.ShutdownAsync();
            }

            if (socket is not null)
            {
                socket.ShutdownSend();
                await DiscardAsync(inner.Input, socket);
            }
        }
        catch (Exception)
        {
            // The connection is gone, or TLS can't be shut down: there is no client left to send to. Many exception types
            // end here, OpenSSL's among them, and none may keep the connection in the registry.
        }

        await DrainAsync(inner.Output);
    }

    private static async Task DiscardAsync(PipeReader input, IKernelSocketFeature socket)
    {
        await using var timer = new Timer(static input => ((PipeReader)input!).CancelPendingRead(), input, Linger, Linger);
        for (var lingers = 0; ;)
        {
            var read = await input.ReadAsync();
            input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted || (read.IsCanceled && (++lingers == MaxLingers || TcpInfo.Read(socket) is not { SendQueueBytes: > 0 })))
            {
                return;
            }
        }
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
