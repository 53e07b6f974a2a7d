using System.Runtime.InteropServices;

namespace EchoHost.Drain;

/// <summary>
/// Ends the drain at the second signal: the first of <see cref="DrainSignals"/> starts the drain, the next cancels
/// <see cref="Token"/>.
/// </summary>
/// <remarks>
/// Some senders signal the process and then its whole group, as timeout(1) does. So a signal right after the first counts as
/// the same one.
/// </remarks>
internal sealed class SecondSignal : IDisposable
{
    private static readonly TimeSpan Same = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _second = new();
    private readonly TimeProvider _time;
    private readonly PosixSignalRegistration[] _registrations;
    private long _firstAt;

    public SecondSignal(TimeProvider time)
    {
        _time = time;
        _registrations = [.. DrainSignals.All.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];
    }

    public CancellationToken Token => _second.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        // Not the source of the token: a signal that came before may still be on its way to the handler, and an exception there
        // would end the process. It holds nothing that needs it.
    }

    internal void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        var now = _time.GetTimestamp();
        var first = Interlocked.CompareExchange(ref _firstAt, now, 0);
        if (first != 0 && _time.GetElapsedTime(first, now) > Same)
        {
            _second.Cancel();
        }
    }
}
