using System.Runtime.InteropServices;

namespace Kestrel.Epoll;

/// <summary>The <c>errno</c> values that the transport distinguishes (errno(3)).</summary>
internal enum Errno
{
    None = 0,
    NotPermitted = 1,
    Interrupted = 4,
    BadDescriptor = 9,
    Again = 11,
    NoMemory = 12,
    AccessDenied = 13,
    InvalidArgument = 22,
    TooManyInSystem = 23,
    TooManyInProcess = 24,
    NoSpace = 28,
    BrokenPipe = 32,
    NotOnNetwork = 64,
    ProtocolError = 71,
    ProtocolNotAvailable = 92,
    NotSupported = 95,
    AddressFamilyNotSupported = 97,
    AddressInUse = 98,
    AddressNotAvailable = 99,
    NetworkDown = 100,
    NetworkUnreachable = 101,
    ConnectionAborted = 103,
    ConnectionReset = 104,
    NoBufferSpace = 105,
    TimedOut = 110,
    ConnectionRefused = 111,
    HostDown = 112,
    HostUnreachable = 113,
    InProgress = 115,
}
