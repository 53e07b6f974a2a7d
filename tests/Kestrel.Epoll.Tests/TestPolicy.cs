using System.Net.Sockets;

namespace Kestrel.Epoll.Tests;

/// <summary>A policy that decides what the test says, and records its calls.</summary>
internal sealed class TestPolicy : IAcceptPolicy
{
    private int _accepted;

    /// <summary>Decides whether a connection is kept, by its number from 0.</summary>
    public Func<int, bool> Keeps { get; init; } = _ => true;

    /// <summary>How long to pause after a failure.</summary>
    public Func<CancellationToken, Task> Rest { get; init; } = _ => Task.CompletedTask;

    public List<SocketError> Failures { get; } = [];

    public int Rejected { get; private set; }

    public ValueTask FailedAsync(SocketException exception, CancellationToken cancellationToken)
    {
        lock (Failures)
        {
            Failures.Add(exception.SocketErrorCode);
        }

        return new ValueTask(Rest(cancellationToken));
    }

    public bool TryKeep() => Keeps(_accepted++);

    public ValueTask RejectedAsync(CancellationToken cancellationToken)
    {
        Rejected++;
        return default;
    }
}
