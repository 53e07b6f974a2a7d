using System.Net.Sockets;

namespace Kestrel.Epoll.Tests;

/// <summary>The framework's codes for the kernel's errors, from which users of connections derive their results.</summary>
public class ErrnosTests
{
    [Theory]
    [InlineData(111, SocketError.ConnectionRefused)] // ECONNREFUSED
    [InlineData(101, SocketError.NetworkUnreachable)] // ENETUNREACH
    [InlineData(113, SocketError.HostUnreachable)] // EHOSTUNREACH
    [InlineData(112, SocketError.HostDown)] // EHOSTDOWN
    [InlineData(64, SocketError.HostUnreachable)] // ENONET, ICMP: host isolated
    [InlineData(92, SocketError.ProtocolOption)] // ENOPROTOOPT, ICMP: protocol unreachable
    [InlineData(95, SocketError.OperationNotSupported)] // EOPNOTSUPP, ICMP: source route failed
    [InlineData(71, SocketError.HostUnreachable)] // EPROTO, any other of ICMPv6
    [InlineData(110, SocketError.TimedOut)] // ETIMEDOUT
    [InlineData(104, SocketError.ConnectionReset)] // ECONNRESET
    [InlineData(103, SocketError.ConnectionAborted)] // ECONNABORTED
    [InlineData(32, SocketError.Shutdown)] // EPIPE
    [InlineData(99, SocketError.AddressNotAvailable)] // EADDRNOTAVAIL
    [InlineData(98, SocketError.AddressAlreadyInUse)] // EADDRINUSE
    [InlineData(11, SocketError.TryAgain)] // EAGAIN
    [InlineData(24, SocketError.TooManyOpenSockets)] // EMFILE
    [InlineData(23, SocketError.TooManyOpenSockets)] // ENFILE
    [InlineData(105, SocketError.NoBufferSpaceAvailable)] // ENOBUFS
    [InlineData(12, SocketError.NoBufferSpaceAvailable)] // ENOMEM
    [InlineData(100, SocketError.NetworkDown)] // ENETDOWN
    [InlineData(97, SocketError.AddressFamilyNotSupported)] // EAFNOSUPPORT
    [InlineData(22, SocketError.InvalidArgument)] // EINVAL
    [InlineData(13, SocketError.AccessDenied)] // EACCES
    [InlineData(1, SocketError.AccessDenied)] // EPERM
    [InlineData(5, SocketError.SocketError)] // EIO, which stands for all that are not told apart
    public void Each_error_has_its_code(int errno, SocketError code) => Assert.Equal(code, ((Errno)errno).ToSocketError());

    /// <summary>A firewall on the path (ICMPv6: administratively prohibited) is not a rule of this machine.</summary>
    [Theory]
    [InlineData(13)]
    [InlineData(1)]
    public void What_is_forbidden_elsewhere_is_unreachable(int errno) =>
        Assert.Equal(SocketError.HostUnreachable, ((Errno)errno).ToSocketError(isFromNetwork: true));
}
