namespace Kestrel.Epoll;

/// <summary>The operations of epoll_ctl(2).</summary>
internal enum EpollOperation
{
    Add = 1,
    Delete = 2,
    Modify = 3,
}

/// <summary>The events of epoll_wait(2) and epoll_ctl(2).</summary>
[Flags]
internal enum EpollEvents : uint
{
    None = 0,
    Readable = 0x1,
    Urgent = 0x2,
    Writable = 0x4,
    Error = 0x8,
    HangUp = 0x10,
    PeerClosed = 0x2000,
    EdgeTriggered = 1u << 31,
}
