using System.Collections.Concurrent;
using System.Net.Sockets;
using EchoHost.Connections.Tracking;
using EchoHost.Lifetime;
using EchoHost.Systemd;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Systemd;

/// <summary>The watchdog with a test clock and threads that hang when the test says so.</summary>
public sealed class SystemdNotificationsTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly Notifier _notifier = new();
    private readonly ConnectionRegistry _registry = new();
    private readonly DrainState _drain = new();
    private readonly ConcurrentQueue<TaskCompletionSource> _asked = new();

    public void Dispose() => _drain.Dispose();

    [Fact]
    public async Task While_threads_hang_the_watchdog_hears_nothing()
    {
        using var notifications = Create();
        await notifications.StartedAsync(CancellationToken.None);
        Assert.Equal(0, Reports);
        await RespondAsync();
        await Wait.UntilAsync(() => Reports == 1, "the first report is sent at once");

        await _time.PassUntilAsync(Interval / 10, () => !_asked.IsEmpty, "the threads are asked again");
        _time.Advance(Interval * 10);
        Assert.Equal(1, Reports);
        Assert.Single(_asked);

        await RespondAsync();
        await Wait.UntilAsync(() => Reports == 2, "threads that respond again are reported");
        await notifications.StoppedAsync(CancellationToken.None);
    }

    [Fact]
    public async Task After_the_stop_threads_that_hang_hold_up_nothing()
    {
        using var notifications = Create();
        await notifications.StartedAsync(CancellationToken.None);
        await notifications.StoppedAsync(CancellationToken.None).WaitAsync(Wait.Limit);
        await RespondAsync();
        _time.Advance(Interval * 10);
        Assert.Equal(0, Reports);
    }

    [Fact]
    public async Task The_host_goes_on_where_systemd_does_not_hear_it()
    {
        _notifier.IsBroken = true;
        using var notifications = Create();
        await notifications.StartedAsync(CancellationToken.None);
        await RespondAsync();
        await _time.PassUntilAsync(Interval / 10, () => !_asked.IsEmpty, "the threads are asked again");
        await notifications.StoppingAsync(CancellationToken.None);
        await notifications.StoppedAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_connection_that_comes_while_the_drain_is_reported_is_reported_next()
    {
        using var notifications = Create();
        _notifier.OnMessage = () => _registry.Add(new TrackedConnection(new DefaultConnectionContext("late"), "Tcp", _time));
        await notifications.StoppingAsync(CancellationToken.None);
        Assert.EndsWith("STATUS=Draining, 0 connections", Assert.Single(_notifier.Messages), StringComparison.Ordinal);
        _notifier.OnMessage = null;
        await _time.PassUntilAsync(
            TimeSpan.FromSeconds(1), () => _notifier.Messages.Contains("STATUS=Draining, 1 connection"), "the connection is reported");
        await notifications.StoppedAsync(CancellationToken.None);
    }

    [Theory]
    [InlineData("60000000", null, 30.0)]
    [InlineData("60000000", "", 30.0)]
    [InlineData("60000000", "own", 30.0)]
    [InlineData("60000000", "1", null)]
    [InlineData(null, "own", null)]
    [InlineData("", null, null)]
    [InlineData("0", null, null)]
    [InlineData("-5", null, null)]
    [InlineData("soon", null, null)]
    [InlineData("18446744073709551615", null, null)]
    [InlineData("9223372036854775807", null, null)]
    public void The_interval_is_half_of_what_systemd_waits(string? time, string? process, double? seconds)
    {
        var id = process == "own" ? $"{Environment.ProcessId}" : process;
        Assert.Equal(seconds, Watchdog.Interval(name => name == "WATCHDOG_USEC" ? time : id)?.TotalSeconds);
    }

    private int Reports => _notifier.Messages.Count(message => message == "WATCHDOG=1");

    private SystemdNotifications Create() => new(
        _notifier,
        Interval,
        () =>
        {
            var response = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _asked.Enqueue(response);
            return response.Task;
        },
        _registry,
        _drain,
        TimeSpan.FromSeconds(33),
        _time,
        NullLogger<SystemdNotifications>.Instance);

    private async Task RespondAsync()
    {
        await Wait.UntilAsync(() => !_asked.IsEmpty, "the threads are asked");
        Assert.True(_asked.TryDequeue(out var response));
        response.SetResult();
    }

    private sealed class Notifier : ISystemdNotifier
    {
        private readonly ConcurrentQueue<string> _messages = new();

        public bool IsBroken { get; set; }

        /// <summary>Called while a message is being sent.</summary>
        public Action? OnMessage { get; set; }

        public bool IsEnabled => true;

        public IEnumerable<string> Messages => _messages;

        public void Notify(ServiceState state)
        {
            if (IsBroken)
            {
                throw new SocketException((int)SocketError.ConnectionRefused);
            }

            _messages.Enqueue(state.ToString());
            OnMessage?.Invoke();
        }
    }
}
