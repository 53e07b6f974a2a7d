using System.Net.Sockets;

namespace Kestrel.Epoll;

/// <summary>
/// Decides what a listener does if accepting fails, and whether it keeps an accepted connection. Each listener has its own
/// policy, and its accept loop makes one call at a time: implementations must not block, and an exception ends the loop.
/// </summary>
public interface IAcceptPolicy
{
    /// <summary>
    /// Called if accept(2) failed, usually because descriptors ran out: <see cref="SocketError.TooManyOpenSockets"/>. Until
    /// the cause is gone it keeps failing at once, so a policy that does not pause takes a whole processor.
    /// </summary>
    /// <param name="exception">The framework's error code, with the system's message.</param>
    /// <param name="cancellationToken">Cancelled when the listener is unbound.</param>
    /// <returns>Completes when accept should be tried again.</returns>
    ValueTask FailedAsync(SocketException exception, CancellationToken cancellationToken);

    /// <summary>Called when a connection was accepted.</summary>
    /// <returns>Whether to keep it. If not, it is reset, and <see cref="RejectedAsync"/> is called next.</returns>
    bool TryKeep();

    /// <summary>Called when a connection that was not kept has been reset.</summary>
    /// <param name="cancellationToken">Cancelled when the listener is unbound.</param>
    /// <returns>Completes when the next connection should be accepted.</returns>
    ValueTask RejectedAsync(CancellationToken cancellationToken) => default;

    /// <summary>Called when a client left before it was accepted (ECONNABORTED). The next one is accepted at once.</summary>
    void ClientGone()
    {
    }
}
