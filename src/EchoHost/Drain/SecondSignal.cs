using System.Runtime.InteropServices;

namespace EchoHost.Drain;

/// <summary>
/// The first SIGTERM, SIGINT or SIGHUP starts the drain; the second cancels <see cref="Token"/>, which ends it at once.
/// </summary>
/// <remarks>
/// Some senders signal the process and then its whole group, as timeout(1) does: what comes right after the first
/// signal is still the first.
/// </remarks>
internal sealed class SecondSignal : IDisposable
{
    private static readonly TimeSpan Same = TimeSpan.FromMilliseconds(250);

    /// <summary>A terminal that goes away sends SIGHUP.</summary>
    private static readonly PosixSignal[] Signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP];

    private readonly IHostApplicationLifetime _lifetime;
    private readonly CancellationTokenSource _second = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly TimeProvider _time;
    private long _firstAt;

    public SecondSignal(IHostApplicationLifetime lifetime, TimeProvider time)
    {
        _lifetime = lifetime;
        _time = time;
        _registrations = [.. Signals.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];
    }

    public CancellationToken Token => _second.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _second.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (context.Signal == PosixSignal.SIGHUP)
        {
            // The others are the framework's too, which starts the stop for them.
            _lifetime.StopApplication();
        }

        var now = _time.GetTimestamp();
        var first = Interlocked.CompareExchange(ref _firstAt, now, 0);
        if (first != 0 && _time.GetElapsedTime(first, now) > Same)
        {
            _second.Cancel();
        }
    }
}
