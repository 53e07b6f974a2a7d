using System.Net.Sockets;
using EchoHost.Metrics;

namespace EchoHost.Transport;

/// <summary>
/// What accept(2) can't do is counted, said once an episode, and rested on: at the descriptor limit an accept loop
/// would otherwise take a whole core to fail.
/// </summary>
internal sealed partial class AcceptErrors(EndpointMetrics metrics, TimeProvider time, ILogger<AcceptErrors> logger)
{
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private int _failures;

    /// <summary>Accepting failed; returns when it is time to try again.</summary>
    public async Task FailedAsync(SocketError error, CancellationToken cancellationToken)
    {
        var reason = error == SocketError.TooManyOpenSockets ? AcceptErrorReason.DescriptorLimit : AcceptErrorReason.Other;
        metrics.AcceptFailed(reason);
        if (error == SocketError.ConnectionAborted)
        {
            // The caller gave up while it waited; the next one is not concerned.
            return;
        }

        if (_failures++ == 0)
        {
            LogFailing(metrics.Endpoint, reason == AcceptErrorReason.DescriptorLimit ? "the limit of file descriptors is reached" : new SocketException((int)error).Message);
        }

        await Task.Delay(Rest, time, cancellationToken);
    }

    /// <summary>Accepting works.</summary>
    public void Ended()
    {
        if (_failures > 0)
        {
            LogEnded(metrics.Endpoint, _failures);
            _failures = 0;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Endpoint {Endpoint:l} can't accept connections: {Problem:l}")]
    private partial void LogFailing(string endpoint, string problem);

    [LoggerMessage(2, LogLevel.Information, "Endpoint {Endpoint:l} accepts connections again, after {Failures} failures")]
    private partial void LogEnded(string endpoint, int failures);
}

/// <summary>Why accepting failed; the label <c>reason</c> of <c>echohost.accept.errors</c>.</summary>
internal enum AcceptErrorReason
{
    DescriptorLimit,
    Other,
}

internal static class AcceptErrorReasonExtensions
{
    /// <summary>The reason as metrics spell it.</summary>
    public static string Label(this AcceptErrorReason reason) => reason == AcceptErrorReason.DescriptorLimit ? "fd_limit" : "other";
}
