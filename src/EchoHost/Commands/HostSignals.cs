using System.Runtime.InteropServices;
using EchoHost.Drain;

namespace EchoHost.Commands;

/// <summary>
/// SIGTERM, SIGINT, SIGQUIT and SIGHUP from the program's first moment to its last, in place of the framework's console
/// lifetime, which listens to them later and would cancel a start in the middle. A host that is told to stop while it starts
/// finishes starting and stops then, in the order in which it always does.
/// </summary>
internal sealed class HostSignals : IHostLifetime
{
    private readonly TaskCompletionSource _told = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Never given up: a signal after the last line must not change the exit code.
    private readonly PosixSignalRegistration[] _registrations;

    public HostSignals() => _registrations = [.. DrainSignals.All.Append(PosixSignal.SIGQUIT).Select(Listen)];

    /// <summary>Completes with the first signal.</summary>
    public Task Told => _told.Task;

    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private PosixSignalRegistration Listen(PosixSignal signal) => PosixSignalRegistration.Create(signal, OnSignal);

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        _told.TrySetResult();
    }
}
