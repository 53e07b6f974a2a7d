using System.Net.Sockets;
using EchoHost.Peers;

namespace EchoHost.Tests.Peers;

/// <summary>The results of the system's errors, and the messages for closed connections.</summary>
public class ProbeResultTests
{
    [Theory]
    [InlineData(SocketError.ConnectionRefused, "refused")]
    [InlineData(SocketError.NetworkUnreachable, "unreachable")]
    [InlineData(SocketError.HostUnreachable, "unreachable")]
    [InlineData(SocketError.HostDown, "unreachable")]
    [InlineData(SocketError.ProtocolOption, "unreachable")] // ENOPROTOOPT, ICMP: protocol unreachable
    [InlineData(SocketError.OperationNotSupported, "unreachable")] // EOPNOTSUPP, ICMP: source route failed
    [InlineData(SocketError.TimedOut, "timeout")]
    [InlineData(SocketError.ConnectionReset, "reset")]
    [InlineData(SocketError.ConnectionAborted, "reset")]
    [InlineData(SocketError.Shutdown, "closed")] // EPIPE
    [InlineData(SocketError.AddressNotAvailable, "local")]
    [InlineData(SocketError.AddressAlreadyInUse, "local")]
    [InlineData(SocketError.TryAgain, "local")]
    [InlineData(SocketError.TooManyOpenSockets, "local")]
    [InlineData(SocketError.NoBufferSpaceAvailable, "local")]
    [InlineData(SocketError.NetworkDown, "local")]
    [InlineData(SocketError.AddressFamilyNotSupported, "local")]
    [InlineData(SocketError.InvalidArgument, "local")]
    [InlineData(SocketError.AccessDenied, "local")]
    [InlineData(SocketError.SocketError, "local")] // Stands for all that are not told apart.
    public void Each_error_has_its_class(SocketError error, string label) => Assert.Equal(label, ProbeResults.Of(error).Label());

    [Fact]
    public void The_labels_are_the_contracts() =>
        Assert.Equal(
            ["ok", "dns", "refused", "unreachable", "timeout", "tls", "closed", "reset", "mismatch", "local"],
            Enum.GetValues<ProbeResult>().Select(result => result.Label()));

    [Theory]
    [InlineData(0, 0, 0.25, "before a byte came back, after 250 ms")]
    [InlineData(0, 10, 0.0123, "after 10 of 64 bytes, 12 ms")]
    [InlineData(1, 0, 0.00123, "after 1 message, 1.2 ms")]
    [InlineData(3, 0, 12.12, "after 3 messages, 12.1 s")]
    [InlineData(3, 63, 100, "after 3 messages and 63 of 64 bytes, 100 s")]
    public void An_end_says_after_how_much_it_came(int messages, int received, double seconds, string text) =>
        Assert.Equal(text, new ConnectionProgress(messages, received, 64, TimeSpan.FromSeconds(seconds)).ToString());

    [Theory]
    [InlineData(SocketError.TimedOut, 3, "timeout", "Connection timed out after 3 messages, 2 s", false)]
    [InlineData(SocketError.HostUnreachable, 0, "unreachable", "No route to host before a byte came back, after 2 s", false)]
    [InlineData(SocketError.ConnectionReset, 3, "reset", "reset by the peer after 3 messages, 2 s", false)]
    [InlineData(
        SocketError.ConnectionReset, 0, "reset",
        "reset by the peer before a byte came back, after 2 s; perhaps it turns connections away, as when it drains or is full",
        true)]
    [InlineData(SocketError.Shutdown, 1, "closed", "closed by the peer after 1 message, 2 s", false)]
    public void The_failure_of_an_open_connection_has_its_class_too(SocketError error, int messages, string label, string text, bool isTurnedAway)
    {
        var failure = PeerException.OfConnection(
            new IOException("Some words of the framework's.", new SocketException((int)error)),
            new ConnectionProgress(messages, 0, 64, TimeSpan.FromSeconds(2)));
        Assert.Equal((label, text, isTurnedAway), (failure.Result.Label(), failure.Message, failure.IsTurnedAway));
    }

    [Theory]
    [InlineData(SocketError.HostNotFound, "dns", "echo.example can't be resolved: there is no such name")]
    [InlineData(SocketError.NoData, "dns", "echo.example can't be resolved: the name has no address")]
    [InlineData(SocketError.TryAgain, "dns", "echo.example can't be resolved: no name server answers for it")]
    [InlineData(SocketError.TooManyOpenSockets, "local", "echo.example can't be resolved: ")]
    public void Why_a_name_is_not_resolved_is_told_in_words(SocketError error, string label, string text)
    {
        var failure = PeerException.OfResolving("echo.example", new SocketException((int)error));
        Assert.Equal(label, failure.Result.Label());
        Assert.StartsWith(text, failure.Message, StringComparison.Ordinal);
    }
}
