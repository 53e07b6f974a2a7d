using System.Runtime.InteropServices;
using EchoHost.Drain;

namespace EchoHost.Commands;

/// <summary>
/// The first Ctrl+C (SIGINT), SIGTERM or SIGHUP cancels <see cref="Token"/>, so that a command can print its summary; the second
/// ends the process.
/// </summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignal() => _registrations = [.. DrainSignals.All.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }
}
