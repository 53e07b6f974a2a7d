using System.Net.Sockets;

namespace Kestrel.Epoll.Tests;

/// <summary>Decides what the test says, and keeps what it was told.</summary>
internal sealed class TestPolicy : IAcceptPolicy
{
    private int _accepted;

    /// <summary>Whether the connection is kept, by its number from 0.</summary>
    public Func<int, bool> Keeps { get; init; } = _ => true;

    /// <summary>How long a failure rests.</summary>
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
