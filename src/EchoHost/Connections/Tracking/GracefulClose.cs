using System.IO.Pipelines;
using EchoHost.Connections.Tls;
using Kestrel.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace EchoHost.Connections.Tracking;

/// <summary>The end of a connection's sending side.</summary>
internal static class GracefulClose
{
    /// <summary>How long a client has to end its own side after the host's FIN, by the system's clock.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(500);

    /// <summary>How many times that, where its machine has not acknowledged all that was sent.</summary>
    private const int MaxLingers = 10;

    /// <summary>
    /// Sends what was written, then TLS's close_notify where there is TLS (RFC 8446, section 6.1), and waits until the
    /// transport has sent it all or has given up.
    /// </summary>
    public static Task SendAsync(ConnectionContext context) => SendAsync(context, null);

    /// <summary>
    /// The same where the host ends the connection: sends FIN, and waits within limits for the client's. What comes
    /// meanwhile is read and thrown away. To close a socket with unread bytes, or to receive some after closing it, has
    /// the kernel answer with RST (RFC 1122, section 4.2.2.13), which can cost the client what is on its way to it.
    /// </summary>
    /// <param name="context">The connection.</param>
    /// <param name="socket">Its socket; null where nothing is waited for.</param>
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
            // The connection is gone, or its TLS in no state to be ended well; either way there is no client to send to. What
            // is thrown here is many things, OpenSSL's among them, and none may keep the connection from being forgotten.
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
