using System.Runtime.InteropServices;
using EchoHost.Drain;

namespace EchoHost.Commands;

/// <summary>
/// Handles SIGTERM, SIGINT, SIGQUIT and SIGHUP from the program's start to its end. Replaces the framework's console
/// lifetime, which registers later and would cancel a start halfway. A signal during the start takes effect after it, as an
/// ordinary stop; the next one ends the drain.
/// </summary>
internal sealed class HostSignals : IHostLifetime
{
    private readonly TaskCompletionSource _told = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SecondSignal _second = new(TimeProvider.System);

    // Never disposed: a signal after the last line must not change the exit code.
    private readonly PosixSignalRegistration[] _registrations;

    public HostSignals() => _registrations = [.. DrainSignals.All.Append(PosixSignal.SIGQUIT).Select(Listen)];

    /// <summary>Completes at the first signal.</summary>
    public Task Told => _told.Task;

    /// <summary>Makes the first signal the stop of a host, and the second the end of its drain.</summary>
    public void AddTo(IServiceCollection services) => services.AddSingleton<IHostLifetime>(this).AddSingleton(_second);

    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private PosixSignalRegistration Listen(PosixSignal signal) => PosixSignalRegistration.Create(signal, OnSignal);

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        // First, so that a signal that comes while the drain begins counts as the second.
        _second.OnSignal();
        _told.TrySetResult();
    }
}
