using System.ComponentModel;
using System.Net.Sockets;

namespace Kestrel.Epoll;

/// <summary>The kernel's errors as the framework knows them.</summary>
internal static class Errnos
{
    /// <summary>The exception for an error, with the system's own words.</summary>
    /// <param name="error">What the kernel said.</param>
    /// <param name="isFromNetwork">Whether the call had begun well, so that the error is an answer of the network's.</param>
    public static SocketException ToException(this Errno error, bool isFromNetwork = false) =>
        new((int)error.ToSocketError(isFromNetwork), new Win32Exception((int)error).Message);

    /// <summary>The framework's code for an error; <see cref="SocketError.SocketError"/> for one that it has no code for.</summary>
    public static SocketError ToSocketError(this Errno error, bool isFromNetwork = false) => error switch
    {
        Errno.ConnectionRefused => SocketError.ConnectionRefused,
        Errno.ConnectionReset => SocketError.ConnectionReset,
        Errno.ConnectionAborted => SocketError.ConnectionAborted,
        Errno.BrokenPipe => SocketError.Shutdown,
        Errno.TimedOut => SocketError.TimedOut,

        // What ICMP says (icmp_err_convert in net/ipv4/icmp.c, icmpv6_err_convert in net/ipv6/icmp.c). From a call itself
        // EACCES and EPERM are a rule of this machine's own.
        Errno.AccessDenied or Errno.NotPermitted when isFromNetwork => SocketError.HostUnreachable,
        Errno.HostUnreachable or Errno.NotOnNetwork or Errno.ProtocolError => SocketError.HostUnreachable,
        Errno.NetworkUnreachable => SocketError.NetworkUnreachable,
        Errno.HostDown => SocketError.HostDown,
        Errno.ProtocolNotAvailable => SocketError.ProtocolOption,
        Errno.NotSupported => SocketError.OperationNotSupported,

        Errno.AccessDenied or Errno.NotPermitted => SocketError.AccessDenied,
        Errno.NetworkDown => SocketError.NetworkDown,
        Errno.InvalidArgument => SocketError.InvalidArgument,
        Errno.AddressFamilyNotSupported => SocketError.AddressFamilyNotSupported,
        Errno.NoBufferSpace or Errno.NoMemory => SocketError.NoBufferSpaceAvailable,
        Errno.AddressNotAvailable => SocketError.AddressNotAvailable,
        Errno.AddressInUse => SocketError.AddressAlreadyInUse,
        Errno.Again => SocketError.TryAgain,
        Errno.TooManyInProcess or Errno.TooManyInSystem => SocketError.TooManyOpenSockets,
        _ => SocketError.SocketError,
    };
}
