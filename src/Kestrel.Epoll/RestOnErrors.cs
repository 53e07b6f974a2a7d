using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Kestrel.Epoll;

/// <summary>The default policy: keeps every connection, pauses after a failure, and logs each series of failures once.</summary>
internal sealed partial class RestOnErrors(EndPoint endPoint, TimeProvider time, ILogger logger) : IAcceptPolicy
{
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private long _failures;

    public ValueTask FailedAsync(SocketException exception, CancellationToken cancellationToken)
    {
        if (_failures++ == 0)
        {
            LogFailing(logger, endPoint, exception.Message);
        }

        return new ValueTask(Task.Delay(Rest, time, cancellationToken));
    }

    public bool TryKeep()
    {
        if (_failures > 0)
        {
            LogEnded(logger, endPoint, _failures);
            _failures = 0;
        }

        return true;
    }

    [LoggerMessage(2, LogLevel.Error, "{EndPoint} can't accept connections: {Problem}")]
    private static partial void LogFailing(ILogger logger, EndPoint endPoint, string problem);

    [LoggerMessage(3, LogLevel.Information, "{EndPoint} accepts connections again, after {Failures} failures")]
    private static partial void LogEnded(ILogger logger, EndPoint endPoint, long failures);
}
