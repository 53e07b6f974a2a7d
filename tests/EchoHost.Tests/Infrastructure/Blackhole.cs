using System.Net;
using System.Net.Sockets;

namespace EchoHost.Tests.Infrastructure;

/// <summary>
/// An address that does not answer: a listener that accepts nothing and whose backlog is full, so that the kernel drops further
/// connections, as a firewall does.
/// </summary>
internal sealed class Blackhole : IDisposable
{
    private readonly List<Socket> _sockets = [];

    private Blackhole(IPEndPoint endPoint)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(listener);
        listener.Bind(endPoint);
        listener.Listen(0);
        EndPoint = (IPEndPoint)listener.LocalEndPoint!;
        while (Fill())
        {
            Assert.True(_sockets.Count < 100, "the backlog is never full");
        }
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>Opens one on a free port of loopback, or at <paramref name="endPoint"/>.</summary>
    public static Blackhole Open(IPEndPoint? endPoint = null)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "other systems refuse what the backlog has no room for");
        return new Blackhole(endPoint ?? new IPEndPoint(IPAddress.Loopback, 0));
    }

    public void Dispose() => _sockets.ForEach(socket => socket.Dispose());

    /// <summary>Takes a place in the backlog; false if it is full.</summary>
    private bool Fill()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        _sockets.Add(socket);
        try
        {
            socket.Connect(EndPoint);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // Loopback is fast: a connection that has a place is complete within the call, or very soon after it.
            return socket.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectWrite);
        }
    }
}
