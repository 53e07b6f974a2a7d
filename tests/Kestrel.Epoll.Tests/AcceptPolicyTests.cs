using System.Net;
using System.Net.Sockets;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Kestrel.Epoll.Tests;

/// <summary>The effect of a policy's answers, and the default policy.</summary>
public class AcceptPolicyTests
{
    [Fact]
    public async Task What_is_not_kept_is_reset_and_the_next_is_accepted()
    {
        var policy = new TestPolicy { Keeps = number => number >= 3 };
        using var transport = Transport();
        await using var listener = Listen(transport, policy, isListening: true, out _);
        var accepting = listener.AcceptAsync().AsTask();
        for (var i = 0; i < 3; i++)
        {
            // It may come before the client knows that it is connected.
            var end = await Assert.ThrowsAsync<SocketException>(async () =>
            {
                using var client = await EchoClient.ConnectAsync(listener.EndPoint);
                await client.ReceiveToEndAsync();
            });
            Assert.True(EchoClient.IsReset(end), end.Message);
        }

        using var peer = await EchoClient.ConnectAsync(listener.EndPoint);
        var kept = await accepting.WaitAsync(Wait.Limit);
        Assert.Equal(peer.Socket.LocalEndPoint, kept!.RemoteEndPoint);
        Assert.Equal(3, policy.Rejected);
        Assert.Empty(policy.Failures);
        await kept.DisposeAsync().Bounded();
    }

    /// <summary>A socket that does not listen fails accept(2) with EINVAL.</summary>
    [Fact]
    public async Task A_failure_is_told_and_accepting_goes_on_when_the_policy_says_so()
    {
        var rest = new TaskCompletionSource();
        var policy = new TestPolicy { Rest = _ => rest.Task };
        using var transport = Transport();
        await using var listener = Listen(transport, policy, isListening: false, out var socket);
        var accepting = listener.AcceptAsync().AsTask();
        await Wait.UntilAsync(() => policy.Failures.Count > 0, "the failure is told");
        socket.Listen();
        using var peer = await EchoClient.ConnectAsync(listener.EndPoint);
        Assert.False(accepting.IsCompleted);

        rest.SetResult();
        var accepted = await accepting.WaitAsync(Wait.Limit);
        Assert.Equal([SocketError.InvalidArgument], policy.Failures);
        await accepted!.DisposeAsync().Bounded();
    }

    [Fact]
    public async Task Unbinding_ends_the_rest_and_the_accept()
    {
        using var transport = Transport();
        var policy = new TestPolicy { Rest = unbound => Task.Delay(Timeout.Infinite, unbound) };
        await using var listener = Listen(transport, policy, isListening: false, out _);
        var accepting = listener.AcceptAsync().AsTask();
        await Wait.UntilAsync(() => policy.Failures.Count > 0, "the failure is told");
        await listener.UnbindAsync();
        Assert.Null(await accepting.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task By_default_a_failure_rests_100_ms_and_is_logged_once_a_row()
    {
        var time = new FakeTimeProvider();
        var log = new Lines();
        var policy = new RestOnErrors(IPEndPoint.Parse("127.0.0.1:80"), time, log);
        var failure = new SocketException((int)SocketError.TooManyOpenSockets, "Too many open files");
        Assert.True(policy.TryKeep());
        for (var row = 0; row < 2; row++)
        {
            for (var i = 0; i < 3; i++)
            {
                var rest = policy.FailedAsync(failure, CancellationToken.None).AsTask();
                time.Advance(TimeSpan.FromMilliseconds(99));
                Assert.False(rest.IsCompleted);
                time.Advance(TimeSpan.FromMilliseconds(1));
                await rest.WaitAsync(Wait.Limit);
            }

            Assert.True(policy.TryKeep());
            Assert.True(policy.TryKeep());
        }

        string[] once =
        [
            "Error: 127.0.0.1:80 can't accept connections: Too many open files",
            "Information: 127.0.0.1:80 accepts connections again, after 3 failures",
        ];
        Assert.Equal([.. once, .. once], log);
    }

    private static EpollTransport Transport()
    {
        Assert.SkipUnless(EpollTransport.IsSupported, "only Linux has epoll");
        return new EpollTransport(new EpollTransportOptions { LoopCount = 1 });
    }

    private static IConnectionListener Listen(EpollTransport transport, IAcceptPolicy policy, bool isListening, out Socket socket)
    {
        socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        if (isListening)
        {
            socket.Listen();
        }

        return transport.Listen(socket, socket.LocalEndPoint!, policy);
    }

    private sealed class Lines : List<string>, ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Add($"{logLevel}: {formatter(state, exception)}");
    }
}
