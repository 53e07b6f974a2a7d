using System.IO.Pipelines;
using EchoHost.Connections.Admission;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Tls;

/// <summary>
/// Runs around the handshake: ends one that takes too long or is not complete when the drain begins to reject clients, and
/// counts and logs failures. Kestrel does not report why a handshake failed, so this checks the first byte;
/// <see cref="TlsHandshake"/> holds the other reasons.
/// </summary>
internal sealed class TlsHandshakeMiddleware(
    ConnectionDelegate next, EndpointMetrics metrics, TlsHandshakeOptions options, DrainState drain, Rejections rejections, TimeProvider time)
{
    /// <summary>The record type of the first bytes of a handshake (RFC 8446, section 5.1).</summary>
    private const byte HandshakeRecord = 22;

    public async Task OnConnectionAsync(ConnectionContext context)
    {
        var handshake = new TlsHandshake();
        context.Features.Set(handshake);
        context.Features.Set(new InnerTransport(context.Transport));
        try
        {
            await HandshakeAsync(context, handshake);
        }
        catch (Exception) when (!handshake.IsDone)
        {
            // The failure is counted and logged below.
        }

        if (handshake.IsDone)
        {
            return;
        }

        if (drain.IsRejecting)
        {
            rejections.Count(context, metrics, RejectReason.Draining, "draining");
        }
        else
        {
            var why = handshake.Problem is { } problem ? $"the TLS handshake failed: {problem}" : "the TLS handshake failed";
            rejections.Count(context, metrics, RejectReason.Tls, why, mayBeProbe: true);
        }
    }

    private async Task HandshakeAsync(ConnectionContext context, TlsHandshake handshake)
    {
        using var end = drain.Rejecting.UnsafeRegister(_ => EndUnlessDone("draining"), null);
        var limit = options.TlsHandshakeTimeout;
        using var late = time.CreateTimer(_ => EndUnlessDone($"it took longer than {limit.TotalSeconds} s"), null, limit, Timeout.InfiniteTimeSpan);
        handshake.LimitBy(late);
        if (await BeginsAsync(context.Transport.Input, handshake))
        {
            await next(context);
        }

        void EndUnlessDone(string why)
        {
            if (!handshake.IsDone)
            {
                handshake.Failed(why);
                context.Abort();
            }
        }
    }

    /// <summary>
    /// Whether the client's first byte can be TLS; if so, waits for its first message and reads the protocol that it prefers.
    /// Consumes nothing.
    /// </summary>
    private static async Task<bool> BeginsAsync(PipeReader input, TlsHandshake handshake)
    {
        try
        {
            while (true)
            {
                var read = await input.ReadAsync();
                if (Begins(read, handshake) is { } begins)
                {
                    input.AdvanceTo(read.Buffer.Start);
                    return begins;
                }

                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (ConnectionResetException)
        {
            handshake.Failed("the client reset the connection before it");
            return false;
        }
    }

    /// <summary>Whether the handshake begins; null if more bytes are needed to tell the client's protocol.</summary>
    private static bool? Begins(in ReadResult read, TlsHandshake handshake)
    {
        if (read.Buffer.IsEmpty)
        {
            handshake.Failed("the client ended the connection before it");
            return false;
        }

        if (read.Buffer.FirstSpan[0] != HandshakeRecord)
        {
            handshake.Failed("the client does not speak TLS");
            return false;
        }

        if (!ClientHello.TryReadProtocol(read.Buffer, out var protocol) && !read.IsCompleted)
        {
            return null;
        }

        handshake.Protocol = protocol;
        return true;
    }
}
