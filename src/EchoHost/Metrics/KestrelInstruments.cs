using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Metrics;

/// <summary>
/// Counts connections that start on an event loop in Kestrel's own instruments, which Kestrel does only with those that it starts.
/// </summary>
/// <remarks>
/// The factory returns Kestrel's meter for its name, and the meter its instruments for the same name, unit and description.
/// </remarks>
internal sealed class KestrelInstruments
{
    private readonly UpDownCounter<long> _active;
    private readonly UpDownCounter<long> _queued;
    private readonly Histogram<double> _duration;

    public KestrelInstruments(IMeterFactory meters)
    {
        var meter = meters.Create(KestrelLabels.MeterName);
        _active = meter.CreateUpDownCounter<long>(
            "kestrel.active_connections", "{connection}", "Number of connections that are currently active on the server.");
        _queued = meter.CreateUpDownCounter<long>(
            "kestrel.queued_connections", "{connection}", "Number of connections that are currently queued and are waiting to start.");
        _duration = meter.CreateHistogram(
            "kestrel.connection.duration",
            "s",
            "The duration of connections on the server.",
            tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] });
    }

    /// <summary>Counts the connections of one listener.</summary>
    public ConnectionDelegate Count(ConnectionDelegate next)
    {
        KeyValuePair<string, object?>[]? ipv4 = null, ipv6 = null, unix = null;
        return context => RunAsync(context, next, context.RemoteEndPoint switch
        {
            IPEndPoint { AddressFamily: AddressFamily.InterNetworkV6 } => ipv6 ??= LabelsOf(context),
            IPEndPoint => ipv4 ??= LabelsOf(context),
            _ => unix ??= LabelsOf(context),
        });
    }

    private async Task RunAsync(ConnectionContext context, ConnectionDelegate next, KeyValuePair<string, object?>[] labels)
    {
        var start = Stopwatch.GetTimestamp();
        _active.Add(1, labels);
        Exception? error = null;
        try
        {
            await next(context);
        }
        catch (Exception e)
        {
            error = e;
            throw;
        }
        finally
        {
            _active.Add(-1, labels);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            _duration.Record(seconds, error is null ? labels : [.. labels, new("error.type", error.GetType().FullName)]);
        }
    }

    /// <summary>The labels that Kestrel gives a connection, but for those that <see cref="KestrelLabels"/> drops.</summary>
    private KeyValuePair<string, object?>[] LabelsOf(ConnectionContext context)
    {
        KeyValuePair<string, object?>[] labels = context.LocalEndPoint is IPEndPoint local
            ?
            [
                new("network.transport", "tcp"),
                new("network.type", local.AddressFamily == AddressFamily.InterNetworkV6 ? "ipv6" : "ipv4"),
                new("server.port", local.Port),
            ]
            : [new("network.transport", "unix")];
        // None waits to be started, which a series of 0 says.
        _queued.Add(0, labels);
        return labels;
    }
}
