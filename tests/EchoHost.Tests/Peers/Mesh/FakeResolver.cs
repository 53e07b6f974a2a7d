using System.Net;
using System.Net.Sockets;
using EchoHost.Peers;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Peers.Mesh;

/// <summary>Gives the answers that the test sets, and counts the lookups.</summary>
internal sealed class FakeResolver(Func<string, CancellationToken, Task<IPAddress[]>> answer) : INameResolver
{
    private volatile Func<string, CancellationToken, Task<IPAddress[]>> _answer = answer;
    private int _asked;

    public FakeResolver(params string[] addresses)
        : this((_, _) => Task.FromResult(Parse(addresses)))
    {
    }

    public int Asked => Volatile.Read(ref _asked);

    public static void ResolvesNothing(IServiceCollection services) =>
        services.AddSingleton<INameResolver>(new FakeResolver((_, _) => throw new SocketException((int)SocketError.HostNotFound)));

    public void Answer(params string[] addresses) => _answer = (_, _) => Task.FromResult(Parse(addresses));

    public void Answer(SocketError error) => _answer = (_, _) => Task.FromException<IPAddress[]>(new SocketException((int)error));

    public void Answer(Func<string, CancellationToken, Task<IPAddress[]>> answer) => _answer = answer;

    public Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _asked);
        return _answer(name, cancellationToken);
    }

    private static IPAddress[] Parse(string[] addresses) => [.. addresses.Select(IPAddress.Parse)];
}
