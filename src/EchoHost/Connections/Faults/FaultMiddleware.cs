using EchoHost.Connections.Tracking;
using EchoHost.Metrics;
using EchoHost.Text;
using EchoHost.Transport;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Faults;

/// <summary>
/// Gives connections the faults that the endpoint has at the moment of their accept. Must come after tracking. Connections without
/// faults pass through at no cost.
/// </summary>
internal sealed class FaultMiddleware(
    ConnectionDelegate next, EndpointFaults faults, EndpointMetrics metrics, TimeProvider time, ConnectionLog log)
{
    public Task OnConnectionAsync(ConnectionContext context) =>
        !faults.AreNone && faults.Choose(ClientAddress.Of(context.RemoteEndPoint)) is var (options, seed)
            ? MisbehaveAsync(context, options, seed)
            : next(context);

    private async Task MisbehaveAsync(ConnectionContext context, FaultOptions options, int seed)
    {
        var tracked = context.Features.Get<TrackedConnection>()!;
        var kinds = options.Faults;
        tracked.SetFaults([.. kinds.Select(fault => fault.Kind.Label())]);
        foreach (var fault in kinds)
        {
            metrics.Faulty(fault.Kind);
        }

        log.Faulty(tracked, kinds.Select(fault => fault.Text));

        var transport = context.Transport;
        await using var end = new FaultyEnd(tracked, options, time, context.ConnectionClosed);
        var input = new FaultyInput(transport.Input, end);
        var output = new FaultyOutput(transport.Output, options, new Random(seed), (tracked, metrics), end, time);
        context.Transport = new DuplexPipe(input, output);
        if (tracked.CloseReason is not null)
        {
            // The host began to close it before it had the input that notices.
            end.Hurry();
        }

        try
        {
            if (end.IsOver)
            {
                // Takes back the cancellation of a read, which would cut the wait for the client's FIN short.
                if (transport.Input.TryRead(out var read))
                {
                    transport.Input.AdvanceTo(read.Buffer.End);
                }

                return;
            }

            if (options.Stalled)
            {
                await end.WaitAsync();
            }
            else if (options.Silent)
            {
                await input.SwallowAsync(tracked, metrics, time);
            }
            else
            {
                await next(context);
                await output.DrainAsync();
                tracked.AnswerSent();
            }
        }
        finally
        {
            await output.StopAsync();
            context.Transport = transport;
        }
    }
}
