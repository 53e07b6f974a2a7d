using System.Diagnostics;
using System.IO.Pipelines;
using EchoHost.Lifetime;
using EchoHost.Metrics;
using EchoHost.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace EchoHost.Connections.Admission;

/// <summary>Lets a connection to the HTTP endpoint in, where need be in the place of another, and holds the place until its socket is closed.</summary>
/// <param name="next">What comes after.</param>
/// <param name="metrics">The HTTP endpoint's.</param>
/// <param name="gate">The places.</param>
/// <param name="hasShare">Whether the address that connects is the client's own, which has a share; else see <see cref="HttpClientMiddleware"/>.</param>
/// <param name="drain">When the last connections have to go.</param>
/// <param name="rejections">Counts and tells.</param>
internal sealed class HttpAdmissionMiddleware(
    ConnectionDelegate next, EndpointMetrics metrics, HttpGate gate, bool hasShare, DrainState drain, Rejections rejections)
{
    /// <summary>How long the client may take for the end of its last answer. Kestrel would wait without a limit.</summary>
    internal static readonly TimeSpan GracefulCloseLimit = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    public async Task OnConnectionAsync(ConnectionContext context)
    {
        var place = gate.Enter(context, ClientAddress.Of(context.RemoteEndPoint), hasShare, out var displaced);
        HttpDisplacement.End(displaced, gate, metrics, rejections);
        using var deadline = drain.HttpDeadline.UnsafeRegister(static connection => ((ConnectionContext)connection!).Abort(), context);
        var transport = context.Transport;
        context.Features.Set(place);
        context.Transport = new WatchedTransport(transport.Input, new WatchedOutput(transport.Output, place));
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
    /// Waits until the socket is closed, which is when its last bytes are the kernel's. There is no event for that:
    /// ConnectionClosed may be the client's FIN, which comes long before.
    /// </summary>
    private static async Task SendRemainingAsync(ConnectionContext context)
    {
        await context.Transport.Output.CompleteAsync();
        await context.Transport.Input.CompleteAsync();
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket.SafeHandle is not { } handle)
        {
            return;
        }

        // By the clock of the machine, as sockets go.
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

    private sealed class WatchedTransport(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input { get; } = input;

        public PipeWriter Output { get; } = output;
    }
}
