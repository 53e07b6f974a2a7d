using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kestrel.Epoll;

/// <summary>
/// The descriptor of a connected, non-blocking socket. Each call keeps it open while it runs, so that no call touches a
/// number that the kernel has already reused, whichever thread closes it.
/// </summary>
internal sealed unsafe class SocketDescriptor : SafeHandleMinusOneIsInvalid
{
    /// <summary>sizeof(struct sockaddr_storage).</summary>
    private const int AddressSize = 128;

    private Socket? _socket;

    private SocketDescriptor(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    /// <summary>Accepts the next connection of a listening socket; null with an error if there is none.</summary>
    public static SocketDescriptor? Accept(SafeHandle listener, out EndPoint? remote, out Errno error)
    {
        var address = stackalloc byte[AddressSize];
        uint length = AddressSize;
        var isHeld = false;
        int accepted;
        try
        {
            listener.DangerousAddRef(ref isHeld);
            do
            {
                accepted = Linux.Accept((int)listener.DangerousGetHandle(), address, &length, Linux.NonBlocking | Linux.CloseOnExec);
                error = accepted < 0 ? Linux.LastError : Errno.None;
            }
            while (error == Errno.Interrupted);
        }
        finally
        {
            if (isHeld)
            {
                listener.DangerousRelease();
            }
        }

        remote = accepted < 0 ? null : SocketAddressReader.Read(new ReadOnlySpan<byte>(address, (int)Math.Min(length, AddressSize)));
        return accepted < 0 ? null : new SocketDescriptor(accepted);
    }

    /// <summary>
    /// Opens a socket and starts to connect it. <see cref="Errno.InProgress"/> until it becomes writable; then
    /// <see cref="TakeError"/>
    /// has the result. Null with an error if it could not start.
    /// </summary>
    /// <param name="target">The end point to connect to.</param>
    /// <param name="source">The address to connect from; null to let the kernel choose.</param>
    /// <param name="error">The result so far.</param>
    public static SocketDescriptor? Connect(IPEndPoint target, IPAddress? source, out Errno error)
    {
        var family = target.AddressFamily == AddressFamily.InterNetworkV6 ? Linux.IPv6 : Linux.IPv4;
        var opened = Linux.Socket(family, Linux.Stream | Linux.NonBlocking | Linux.CloseOnExec, 0);
        if (opened < 0)
        {
            error = Linux.LastError;
            return null;
        }

        var descriptor = new SocketDescriptor(opened);
        var on = 1;
        _ = Linux.SetSocketOption(opened, Linux.TcpLevel, Linux.TcpNoDelay, (byte*)&on, sizeof(int));
        error = source is null ? Errno.None : Bind(opened, source);
        if (error == Errno.None)
        {
            var address = target.Serialize();
            fixed (byte* at = address.Buffer.Span)
            {
                error = Linux.Connect(opened, at, (uint)address.Size) < 0 ? Linux.LastError : Errno.None;
            }
        }

        if (error is Errno.None or Errno.InProgress)
        {
            return descriptor;
        }

        descriptor.Dispose();
        return null;
    }

    /// <summary>Reads the pending error, which also clears it (SO_ERROR, socket(7)).</summary>
    public Errno TakeError()
    {
        Span<byte> value = stackalloc byte[sizeof(int)];
        return GetOption(Linux.SocketLevel, Linux.SocketError, value) < 0 ? Errno.BadDescriptor : (Errno)BitConverter.ToInt32(value);
    }

    /// <summary>recv(2): the number of bytes received, 0 at the peer's end, or negative with an error.</summary>
    public int Receive(Span<byte> buffer, out Errno error)
    {
        if (!TryHold())
        {
            error = Errno.BadDescriptor;
            return -1;
        }

        fixed (byte* at = buffer)
        {
            nint received;
            do
            {
                received = Linux.Receive((int)handle, at, (nuint)buffer.Length, 0);
                error = received < 0 ? Linux.LastError : Errno.None;
            }
            while (error == Errno.Interrupted);

            DangerousRelease();
            return (int)received;
        }
    }

    /// <summary>send(2): the number of bytes that the kernel took, or negative with an error.</summary>
    public int Send(ReadOnlySpan<byte> bytes, out Errno error)
    {
        if (!TryHold())
        {
            error = Errno.BadDescriptor;
            return -1;
        }

        fixed (byte* at = bytes)
        {
            nint sent;
            do
            {
                sent = Linux.Send((int)handle, at, (nuint)bytes.Length, Linux.NoSignal);
                error = sent < 0 ? Linux.LastError : Errno.None;
            }
            while (error == Errno.Interrupted);

            DangerousRelease();
            return (int)sent;
        }
    }

    /// <summary>Sends FIN; reading continues.</summary>
    public void ShutdownSend() => Hold(descriptor => Linux.Shutdown(descriptor, Linux.ShutdownSend));

    /// <summary>
    /// Ends the connection at once: TCP with RST, by connecting with AF_UNSPEC (connect(2)); a Unix socket by shutdown(2).
    /// The descriptor stays open, and the kernel reports the event on it.
    /// </summary>
    public void Reset() => Hold(descriptor =>
    {
        var nothing = stackalloc byte[16];
        new Span<byte>(nothing, 16).Clear();
        return Linux.Connect(descriptor, nothing, 16) < 0 ? Linux.Shutdown(descriptor, Linux.ShutdownBoth) : 0;
    });

    /// <summary>The number of received bytes that are not read yet (FIONREAD, tcp(7), unix(7)).</summary>
    public int UnreadBytes()
    {
        if (!TryHold())
        {
            return 0;
        }

        var unread = 0;
        var result = Linux.ControlDevice((int)handle, Linux.UnreadBytes, &unread);
        DangerousRelease();
        return result < 0 ? 0 : unread;
    }

    /// <summary>getsockopt(2): the number of bytes written to <paramref name="value"/>, or negative.</summary>
    public int GetOption(int level, int name, Span<byte> value)
    {
        if (!TryHold())
        {
            return -1;
        }

        fixed (byte* at = value)
        {
            var length = (uint)value.Length;
            var result = Linux.GetSocketOption((int)handle, level, name, at, &length);
            DangerousRelease();
            return result < 0 ? -1 : (int)length;
        }
    }

    /// <summary>The socket's own address; null for an unnamed Unix socket and once it is closed.</summary>
    public EndPoint? LocalAddress()
    {
        var address = stackalloc byte[AddressSize];
        uint length = AddressSize;
        if (!TryHold())
        {
            return null;
        }

        var result = Linux.GetLocalAddress((int)handle, address, &length);
        DangerousRelease();
        return result < 0 ? null : SocketAddressReader.Read(new ReadOnlySpan<byte>(address, (int)Math.Min(length, AddressSize)));
    }

    /// <summary>
    /// The framework's object for this socket, created on first use. From then on it owns the descriptor, and is disposed
    /// when the connection closes.
    /// </summary>
    public Socket AsSocket()
    {
        lock (this)
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return _socket ??= new Socket(new SafeSocketHandle(handle, ownsHandle: true));
        }
    }

    protected override bool ReleaseHandle()
    {
        lock (this)
        {
            if (_socket is not null)
            {
                _socket.Dispose();
                return true;
            }

            return Linux.Close((int)handle) == 0;
        }
    }

    /// <summary>
    /// Binds to an address without a port. connect(2) then picks one, which connections to different targets can share
    /// (IP_BIND_ADDRESS_NO_PORT, ip(7)).
    /// </summary>
    private static Errno Bind(int descriptor, IPAddress source)
    {
        var on = 1;
        _ = Linux.SetSocketOption(descriptor, Linux.IPLevel, Linux.BindAddressNoPort, (byte*)&on, sizeof(int));
        var address = new IPEndPoint(source, 0).Serialize();
        fixed (byte* at = address.Buffer.Span)
        {
            return Linux.Bind(descriptor, at, (uint)address.Size) < 0 ? Linux.LastError : Errno.None;
        }
    }

    private bool TryHold()
    {
        var isHeld = false;
        try
        {
            DangerousAddRef(ref isHeld);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }

        return isHeld;
    }

    private void Hold(Func<int, int> call)
    {
        if (TryHold())
        {
            call((int)handle);
            DangerousRelease();
        }
    }
}
