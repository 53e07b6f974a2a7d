using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using EchoHost.Peers;
using EchoHost.Tests.Infrastructure;

namespace EchoHost.Tests.Peers;

/// <summary>Lookups with a resolver that blocks its thread, as the system's does while a name server is silent.</summary>
public sealed class NameLookupsTests : IDisposable
{
    private const string Good = "good.example";

    private readonly BlockingResolver _resolver = new();
    private readonly NameLookups _lookups;

    public NameLookupsTests() => _lookups = new NameLookups(_resolver.LookUp);

    public void Dispose() => _resolver.Dispose();

    [Theory]
    [InlineData("v4.example", AddressFamily.InterNetwork, null)]
    [InlineData("v4.example", AddressFamily.InterNetworkV6, "v4.example can't be resolved: the name has no IPv6 address")]
    [InlineData("v6.example", AddressFamily.InterNetwork, "v6.example can't be resolved: the name has no IPv4 address")]
    [InlineData("none.example", AddressFamily.InterNetworkV6, "none.example can't be resolved: there is no such name")]
    [InlineData("none.example", AddressFamily.Unspecified, "none.example can't be resolved: there is no such name")]
    public void A_name_without_an_address_of_the_family_is_told_from_one_that_there_is_not(string name, AddressFamily family, string? problem)
    {
        // Answers as the system's resolver does.
        static IPAddress[] Ask(string name, AddressFamily family)
        {
            IPAddress[] all = name switch { "v4.example" => [IPAddress.Loopback], "v6.example" => [IPAddress.IPv6Loopback], _ => [] };
            var found = Array.FindAll(all, address => family == AddressFamily.Unspecified || address.AddressFamily == family);
            return found.Length > 0 ? found : throw new SocketException((int)SocketError.HostNotFound);
        }

        if (problem is null)
        {
            Assert.Equal([IPAddress.Loopback], NameLookups.LookUp(Ask, name, family));
            return;
        }

        var failure = PeerException.OfResolving(name, Assert.ThrowsAny<SocketException>(() => NameLookups.LookUp(Ask, name, family)));
        Assert.Equal((ProbeResult.Dns, problem), (failure.Result, failure.Message));
    }

    [Fact]
    public async Task Silent_names_take_no_thread_of_the_pool_and_hold_up_no_other_name()
    {
        using var stop = new CancellationTokenSource();
        var silent = Enumerable.Range(0, 50).Select(i => _lookups.ResolveAsync($"silent-{i}.example", stop.Token)).ToArray();
        await Wait.UntilAsync(() => _resolver.Blocked == 50, "all names are being looked up");
        Assert.Equal(0, _resolver.OnPool);
        Assert.Equal([IPAddress.Loopback], await ResolveAsync(Good));
        await LeaveAsync(stop, silent);
    }

    [Fact]
    public async Task Being_canceled_does_not_wait_for_the_resolver()
    {
        using var stop = new CancellationTokenSource();
        var silent = _lookups.ResolveAsync("silent.example", stop.Token);
        await Wait.UntilAsync(() => _resolver.Blocked == 1, "it is being looked up");
        await LeaveAsync(stop, silent);
        Assert.Equal(1, _resolver.Blocked);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _lookups.ResolveAsync(Good, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task A_name_is_looked_up_once_at_a_time()
    {
        using var stop = new CancellationTokenSource();
        var left = _lookups.ResolveAsync("silent.example", stop.Token);
        await Wait.UntilAsync(() => _resolver.Blocked == 1, "it is being looked up");
        await LeaveAsync(stop, left);
        var joined = new[] { _lookups.ResolveAsync("silent.example", CancellationToken.None), _lookups.ResolveAsync("SILENT.example", CancellationToken.None) };
        _resolver.Release("silent.example");
        Assert.All(await Task.WhenAll(joined).WaitAsync(Wait.Limit), addresses => Assert.Equal([IPAddress.Loopback], addresses));
        Assert.Equal(1, _resolver.Asked("silent.example"));

        // Answers are not cached.
        await ResolveAsync("silent.example");
        Assert.Equal(2, _resolver.Asked("silent.example"));
    }

    [Fact]
    public async Task Threads_have_a_bound_and_what_finds_none_keeps_its_place()
    {
        using var stop = new CancellationTokenSource();
        var silent = Enumerable.Range(0, NameLookups.MaxThreads + 10).Select(i => _lookups.ResolveAsync($"silent-{i}.example", stop.Token)).ToArray();
        await Wait.UntilAsync(() => _resolver.Blocked == NameLookups.MaxThreads, "all threads are taken");
        using var impatient = new CancellationTokenSource();
        var early = _lookups.ResolveAsync(Good, impatient.Token);
        await LeaveAsync(impatient, early);
        await LeaveAsync(stop, silent);
        Assert.Equal((NameLookups.MaxThreads, 0), (_resolver.Blocked, _resolver.Asked(Good)));

        // Ten names are ahead of it, though their callers have left; once it has a thread, it is resolved at once.
        var good = _lookups.ResolveAsync(Good, CancellationToken.None);
        for (var i = 0; i < 10; i++)
        {
            _resolver.Release($"silent-{i}.example");
        }

        await Wait.UntilAsync(
            () => Enumerable.Range(NameLookups.MaxThreads, 10).All(i => _resolver.Asked($"silent-{i}.example") == 1), "those ahead have the threads");
        Assert.Equal(0, _resolver.Asked(Good));
        _resolver.Release("silent-10.example");
        await good.WaitAsync(Wait.Limit);
        Assert.Equal(1, _resolver.Asked(Good));
    }

    [Fact]
    public async Task Names_that_were_late_leave_threads_for_those_that_are_answered()
    {
        var names = Enumerable.Range(0, NameLookups.MaxThreads).Select(i => $"silent-{i}.example").ToArray();
        await AskInVainAsync(names);
        Array.ForEach(names, _resolver.Release);
        await Wait.UntilAsync(() => _lookups.Running == 0, "the resolver has given up");
        Array.ForEach(names, _resolver.Silence);

        // These names are known to be late now, and a good name does not wait for them.
        using var stop = new CancellationTokenSource();
        var silent = names.Select(name => _lookups.ResolveAsync(name, stop.Token)).ToArray();
        await Wait.UntilAsync(() => _resolver.Blocked == NameLookups.MaxOfLate, "late names have all threads that they may have");
        await ResolveAsync(Good);
        Assert.Equal(NameLookups.MaxOfLate, _resolver.Blocked);

        // Each of them is looked up nevertheless.
        Array.ForEach(names, _resolver.Release);
        await Task.WhenAll(silent).WaitAsync(Wait.Limit);
        Assert.All(names, name => Assert.Equal(2, _resolver.Asked(name)));

        // They were answered in time, and count as good again.
        Array.ForEach(names, _resolver.Silence);
        var again = names.Select(name => _lookups.ResolveAsync(name, stop.Token)).ToArray();
        await Wait.UntilAsync(() => _resolver.Blocked == NameLookups.MaxThreads, "all threads are theirs");
        await LeaveAsync(stop, again);
    }

    [Theory]
    [InlineData(SocketError.HostNotFound)]
    [InlineData(SocketError.TryAgain)]
    public async Task A_failure_is_told_to_each_caller(SocketError error)
    {
        var lookups = new NameLookups(_ => throw new SocketException((int)error));
        Assert.Equal(
            error,
            (await Assert.ThrowsAsync<SocketException>(() => lookups.ResolveAsync(Good, CancellationToken.None).WaitAsync(Wait.Limit))).SocketErrorCode);
    }

    [Fact]
    public async Task The_system_knows_localhost_in_either_family()
    {
        Assert.Contains(IPAddress.Loopback, await NameLookups.OfSystem().ResolveAsync("localhost", CancellationToken.None).WaitAsync(Wait.Limit));
        var v4 = await NameLookups.OfSystem(AddressFamily.InterNetwork).ResolveAsync("localhost", CancellationToken.None).WaitAsync(Wait.Limit);
        Assert.All(v4, address => Assert.Equal(AddressFamily.InterNetwork, address.AddressFamily));
    }

    [Fact]
    public async Task A_remembered_name_is_asked_for_again_only_when_it_is_forgotten()
    {
        var names = new RememberedNames(_lookups);
        for (var i = 0; i < 3; i++)
        {
            await names.ResolveAsync(Good, CancellationToken.None).WaitAsync(Wait.Limit);
        }

        Assert.Equal(1, _resolver.Asked(Good));
        names.Forget(Good);
        await names.ResolveAsync(Good, CancellationToken.None).WaitAsync(Wait.Limit);
        Assert.Equal(2, _resolver.Asked(Good));
    }

    private Task<IPAddress[]> ResolveAsync(string name) => _lookups.ResolveAsync(name, CancellationToken.None).WaitAsync(Wait.Limit);

    private async Task AskInVainAsync(string[] names)
    {
        using var stop = new CancellationTokenSource();
        var asked = names.Select(name => _lookups.ResolveAsync(name, stop.Token)).ToArray();
        await Wait.UntilAsync(() => _resolver.Blocked == names.Length, "all are being looked up");
        await LeaveAsync(stop, asked);
    }

    private static async Task LeaveAsync(CancellationTokenSource stop, params Task[] waiting)
    {
        await stop.CancelAsync();
        foreach (var task in waiting)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task.WaitAsync(Wait.Limit));
        }
    }

    /// <summary>
    /// A resolver that blocks for names that start with "silent", until they are released; others are loopback at once.
    /// </summary>
    private sealed class BlockingResolver : IDisposable
    {
        private readonly ConcurrentDictionary<string, ManualResetEventSlim> _gates = new(StringComparer.OrdinalIgnoreCase);
        private readonly ConcurrentDictionary<string, int> _asked = new(StringComparer.OrdinalIgnoreCase);
        private int _blocked;
        private int _onPool;
        private volatile bool _isOver;

        public int Blocked => Volatile.Read(ref _blocked);

        public int OnPool => Volatile.Read(ref _onPool);

        public int Asked(string name) => _asked.GetValueOrDefault(name);

        public void Release(string name) => Gate(name).Set();

        public void Silence(string name) => Gate(name).Reset();

        public IPAddress[] LookUp(string name)
        {
            _asked.AddOrUpdate(name, 1, (_, count) => count + 1);
            if (Thread.CurrentThread.IsThreadPoolThread)
            {
                Interlocked.Increment(ref _onPool);
            }

            if (name.StartsWith("silent", StringComparison.OrdinalIgnoreCase) && !_isOver)
            {
                Interlocked.Increment(ref _blocked);
                Gate(name).Wait();
                Interlocked.Decrement(ref _blocked);
            }

            return [IPAddress.Loopback];
        }

        public void Dispose()
        {
            _isOver = true;
            foreach (var gate in _gates.Values)
            {
                gate.Set();
            }
        }

        private ManualResetEventSlim Gate(string name) => _gates.GetOrAdd(name, _ => new ManualResetEventSlim());
    }
}
