using System.Net;
using System.Net.Sockets;

namespace EchoHost.Tests.Infrastructure;

/// <summary>
/// Ports that are reserved before a host listens on them: they are bound, so that the kernel gives them to no other
/// program, but nothing listens, so connections are refused until a test's host does.
/// </summary>
internal sealed class HeldPort : IDisposable
{
    private readonly List<Socket> _sockets = [];

    /// <summary>Holds the same port on each of the addresses.</summary>
    public HeldPort(params string[] addresses)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux lets a port be listened on that is bound already, and has all of 127.0.0.0/8");
        for (var tries = 1; !TryHold([.. addresses.DefaultIfEmpty("127.0.0.1").Select(IPAddress.Parse)]); tries++)
        {
            Assert.True(tries < 20, "no port is free on all of the addresses");
        }
    }

    public int Port { get; private set; }

    /// <summary>The port on the first address, in the form of a peer's name.</summary>
    public string Name => _sockets[0].LocalEndPoint!.ToString()!;

    /// <summary>The setting that makes a host listen on the port.</summary>
    public string Setting => $"Echo:Endpoints:Tcp:Url=tcp://{Name}";

    public void Dispose()
    {
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        _sockets.Clear();
    }

    private bool TryHold(IPAddress[] addresses)
    {
        var port = 0;
        foreach (var address in addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            _sockets.Add(socket);
            try
            {
                socket.Bind(new IPEndPoint(address, port));
            }
            catch (SocketException)
            {
                Dispose();
                return false;
            }

            port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        }

        Port = port;
        return true;
    }
}
