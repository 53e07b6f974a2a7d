using EchoHost.Metrics;
using EchoHost.Text;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>
/// Counts the connection in the share of its client's address, and ends it unless its first byte comes soon. Must come after
/// PROXY, which sets the address.
/// </summary>
internal sealed class HttpClientMiddleware(ConnectionDelegate next, EndpointMetrics metrics, HttpGate gate, Rejections rejections, TimeProvider time)
{
    /// <summary>
    /// How long a client may take for the first byte of its first request. Most send it at once, but a browser connects before
    /// it knows what to ask for, and a busy machine may come to it late.
    /// </summary>
    internal static readonly TimeSpan FirstByteLimit = TimeSpan.FromSeconds(10);

    public async Task OnConnectionAsync(ConnectionContext context)
    {
        if (context.Features.Get<HttpPlace>() is { } place)
        {
            gate.EnterShare(place, ClientAddress.Of(context.RemoteEndPoint), out var displaced);
            HttpDisplacement.End(displaced, gate, metrics, rejections);
        }

        if (await AsksAsync(context))
        {
            await next(context);
        }
    }

    /// <summary>Waits for the first byte without consuming it; false if none came.</summary>
    private async Task<bool> AsksAsync(ConnectionContext context)
    {
        using var limit = new CancellationTokenSource(FirstByteLimit, time);
        try
        {
            var read = await context.Transport.Input.ReadAsync(limit.Token);
            context.Transport.Input.AdvanceTo(read.Buffer.Start);
            return !read.Buffer.IsEmpty;
        }
        catch (Exception e) when (e is OperationCanceledException or ConnectionResetException or ConnectionAbortedException)
        {
            return false;
        }
    }
}
