using Serilog.Debugging;

namespace EchoHost.Commands;

/// <summary>
/// Whether the log can be written when the host starts, which its sink would pass over. Later on a full disk is no reason
/// to end the echo.
/// </summary>
internal sealed class LogFailure
{
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _withinStart = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _began = TimeProvider.System.GetTimestamp();

    public LogFailure() => SelfLog.Enable(OnComplaint);

    /// <summary>Completes when the first lines can't be written.</summary>
    public Task WithinStart => _withinStart.Task;

    /// <summary>Why they can't; null while they can.</summary>
    public string? Problem { get; private set; }

    /// <summary>Serilog complains in text: what failed, and the exception with its stack.</summary>
    private void OnComplaint(string complaint)
    {
        if (Problem is null && TimeProvider.System.GetElapsedTime(_began) < Start && complaint.Contains(nameof(IOException), StringComparison.Ordinal))
        {
            var type = complaint.IndexOf(nameof(IOException), StringComparison.Ordinal) + nameof(IOException).Length;
            Problem = complaint[type..].TrimStart(':', ' ').Split('\n')[0].Trim();
            _withinStart.TrySetResult();
        }
    }
}
