using System.Diagnostics;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using EchoHost.Text;
using EchoHost.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace EchoHost.Connections.Admission;

/// <summary>
/// Admits a connection to the HTTP endpoint, if necessary by displacing another, and holds its place until the socket is closed.
/// </summary>
/// <param name="next">The next middleware.</param>
/// <param name="metrics">The HTTP endpoint's metrics.</param>
/// <param name="gate">The places.</param>
/// <param name="hasShare">
/// Whether the connecting address is the client's own, so that its share counts now; otherwise
/// <see cref="HttpClientMiddleware"/> counts it.
/// </param>
/// <param name="drain">Sets the deadline for the last connections.</param>
/// <param name="rejections">Counts and logs rejected clients.</param>
internal sealed class HttpAdmissionMiddleware(
    ConnectionDelegate next, EndpointMetrics metrics, HttpGate gate, bool hasShare, DrainState drain, Rejections rejections)
{
    /// <summary>How long the client may take to read the end of its last response. Kestrel would wait without a limit.</summary>
    internal static readonly TimeSpan GracefulCloseLimit = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    public async Task OnConnectionAsync(ConnectionContext context)
    {
        var place = gate.Enter(context, ClientAddress.Of(context.RemoteEndPoint), hasShare, out var displaced);
        HttpDisplacement.End(displaced, gate, metrics, rejections);
        using var deadline = drain.HttpDeadline.UnsafeRegister(static connection => ((ConnectionContext)connection!).Abort(), context);
        var transport = context.Transport;
        context.Features.Set(place);
        context.Transport = new DuplexPipe(transport.Input, new WatchedOutput(transport.Output, place));
        try
        {
            await next(context);
        }
        finally
        {
            context.Transport = transport;
            place.ClientsTurn();
            await SendRemainingAsync(context);
            gate.Leave(place);
        }
    }

    /// <summary>
    /// Waits until the socket is closed, when the kernel has its last bytes. No event marks that moment: ConnectionClosed may
    /// be the client's FIN, which comes long before.
    /// </summary>
    private static async Task SendRemainingAsync(ConnectionContext context)
    {
        await context.Transport.Output.CompleteAsync();
        await context.Transport.Input.CompleteAsync();
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket.SafeHandle is not { } handle)
        {
            return;
        }

        // Sockets close in real time, so a TimeProvider would not do.
        var start = Stopwatch.GetTimestamp();
        while (!handle.IsClosed)
        {
            if (Stopwatch.GetElapsedTime(start) >= GracefulCloseLimit)
            {
                context.Abort(new ConnectionAbortedException("the client does not take the end of its answer"));
                return;
            }

            await Task.Delay(Look);
        }
    }
}
