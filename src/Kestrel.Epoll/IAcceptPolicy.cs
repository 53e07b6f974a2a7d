using System.Net.Sockets;

namespace Kestrel.Epoll;

/// <summary>
/// Decides what a listener does when accepting fails, and whether it keeps what it has accepted. Each listener has one of
/// its own, and calls it once at a time, from its accept loop: nothing here may block, and what is thrown ends the loop.
/// </summary>
public interface IAcceptPolicy
{
    /// <summary>
    /// accept(2) failed, mostly for lack of descriptors: <see cref="SocketError.TooManyOpenSockets"/>. Until the cause is gone
    /// it fails again at once, so a policy that does not rest takes a whole processor.
    /// </summary>
    /// <param name="exception">The framework's code, with the system's own words.</param>
    /// <param name="cancellationToken">Canceled when the listener is unbound.</param>
    /// <returns>Completes when it is time to try again.</returns>
    ValueTask FailedAsync(SocketException exception, CancellationToken cancellationToken);

    /// <summary>A connection was accepted.</summary>
    /// <returns>Whether it is kept. Where not, it is reset, and <see cref="RejectedAsync"/> is next.</returns>
    bool TryKeep();

    /// <summary>A connection that was not kept has been reset.</summary>
    /// <param name="cancellationToken">Canceled when the listener is unbound.</param>
    /// <returns>Completes when it is time for the next.</returns>
    ValueTask RejectedAsync(CancellationToken cancellationToken) => default;

    /// <summary>A client gave up before it was accepted (ECONNABORTED). The next is accepted at once.</summary>
    void ClientGone()
    {
    }
}
