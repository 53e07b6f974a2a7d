namespace Kestrel.Epoll;

/// <summary>Something whose descriptor an event loop watches.</summary>
internal interface IPollable
{
    /// <summary>The kernel reports something; called on the event loop.</summary>
    void OnEvents(EpollEvents events);

    /// <summary>Handling what was reported failed in a way that was not foreseen.</summary>
    void OnFailed(Exception exception);
}
