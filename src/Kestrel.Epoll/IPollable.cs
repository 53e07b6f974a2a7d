namespace Kestrel.Epoll;

/// <summary>A target for the events of a descriptor that an event loop watches.</summary>
internal interface IPollable
{
    /// <summary>Handles events from the kernel; called on the event loop.</summary>
    void OnEvents(EpollEvents events);

    /// <summary>Called if <see cref="OnEvents"/> threw an unexpected exception.</summary>
    void OnFailed(Exception exception);
}
