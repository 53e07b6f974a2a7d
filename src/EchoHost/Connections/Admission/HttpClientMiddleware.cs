using EchoHost.Metrics;
using EchoHost.Text;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>
/// Stands where the client's address is known, so after PROXY: counts the connection in the client's share, and ends it
/// unless its first byte comes soon.
/// </summary>
internal sealed class HttpClientMiddleware(ConnectionDelegate next, EndpointMetrics metrics, HttpGate gate, Rejections rejections, TimeProvider time)
{
    /// <summary>How long a client may take for the first byte of its first request. A client that connects to ask sends at once.</summary>
    internal static readonly TimeSpan FirstByteLimit = TimeSpan.FromSeconds(2);

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

    /// <summary>Whether a byte has come. It is left where it is.</summary>
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
