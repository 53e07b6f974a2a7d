using Serilog.Debugging;

namespace EchoHost.Commands;

/// <summary>
/// Detects that the log can't be written when the host starts; the sink itself would ignore that. A failure later, such as a full
/// disk, does not end the echo.
/// </summary>
internal sealed class LogFailure
{
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _withinStart = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _startedAt;

    public LogFailure() => SelfLog.Enable(OnComplaint);

    /// <summary>Completes if the first lines can't be written.</summary>
    public Task WithinStart => _withinStart.Task;

    /// <summary>Call it when the host has started: a slow machine may take longer for that than for its first lines.</summary>
    public void Started() => Volatile.Write(ref _startedAt, TimeProvider.System.GetTimestamp());

    /// <summary>Why the log can't be written; null if it can.</summary>
    public string? Problem { get; private set; }

    /// <summary>Parses Serilog's text: what failed, then the exception with its stack trace.</summary>
    private void OnComplaint(string complaint)
    {
        var isStart = Volatile.Read(ref _startedAt) is var started && (started == 0 || TimeProvider.System.GetElapsedTime(started) < Start);
        if (Problem is null && isStart && complaint.Contains(nameof(IOException), StringComparison.Ordinal))
        {
            var type = complaint.IndexOf(nameof(IOException), StringComparison.Ordinal) + nameof(IOException).Length;
            Problem = complaint[type..].TrimStart(':', ' ').Split('\n')[0].Trim();
            _withinStart.TrySetResult();
        }
    }
}
