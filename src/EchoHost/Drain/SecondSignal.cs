using System.Diagnostics.CodeAnalysis;

namespace EchoHost.Drain;

/// <summary>Ends the drain at the second signal: the first starts the drain, the next cancels <see cref="Token"/>.</summary>
/// <remarks>
/// Some senders signal the process and then its whole group, as timeout(1) does. So a signal right after the first counts as
/// the same one.
/// </remarks>
/// <param name="time">The host's clock.</param>
[SuppressMessage("Design", "CA1001", Justification = "A signal may come at the very end; the source holds nothing that needs to be disposed of.")]
internal sealed class SecondSignal(TimeProvider time)
{
    private static readonly TimeSpan Same = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _second = new();
    private long _firstAt;

    public CancellationToken Token => _second.Token;

    /// <summary>A signal to stop has come.</summary>
    public void OnSignal()
    {
        var now = time.GetTimestamp();
        var first = Interlocked.CompareExchange(ref _firstAt, now, 0);
        if (first != 0 && time.GetElapsedTime(first, now) > Same)
        {
            _second.Cancel();
        }
    }
}
