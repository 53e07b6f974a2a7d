using System.Net;
using EchoHost.Connections.Admission;

namespace EchoHost.Tests.Connections.Admission;

public class ConnectionGateTests
{
    private static readonly IPAddress One = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Two = IPAddress.Parse("192.0.2.2");

    [Fact]
    public void Who_leaves_makes_room()
    {
        var gate = new ConnectionGate(2, null);
        Assert.True(gate.TryEnter());
        Assert.True(gate.TryEnter());
        Assert.False(gate.TryEnter());
        gate.Leave();
        Assert.True(gate.TryEnter());
        Assert.False(gate.TryEnter());
    }

    [Fact]
    public void Each_address_has_a_share_of_its_own()
    {
        var gate = new ConnectionGate(100, 1);
        Assert.True(gate.TryEnterAddress(One));
        Assert.False(gate.TryEnterAddress(One));
        Assert.True(gate.TryEnterAddress(Two));
        gate.LeaveAddress(One);
        Assert.True(gate.TryEnterAddress(One));
    }

    [Fact]
    public void Never_more_are_inside_than_allowed_however_many_try()
    {
        var gate = new ConnectionGate(10, 5);
        int inside = 0, most = 0, maxOfOne = 0, ofOne = 0;
        Parallel.For(0, 100_000, i =>
        {
            if (!gate.TryEnter())
            {
                return;
            }

            Raise(ref most, Interlocked.Increment(ref inside));
            if (gate.TryEnterAddress(One))
            {
                Raise(ref maxOfOne, Interlocked.Increment(ref ofOne));
                Interlocked.Decrement(ref ofOne);
                gate.LeaveAddress(One);
            }

            Interlocked.Decrement(ref inside);
            gate.Leave();
        });
        Assert.InRange(most, 1, 10);
        Assert.InRange(maxOfOne, 1, 5);
        Assert.Equal(10, Enumerable.Range(0, 11).Count(_ => gate.TryEnter()));
        Assert.Equal(5, Enumerable.Range(0, 6).Count(_ => gate.TryEnterAddress(One)));
    }

    private static void Raise(ref int most, int value)
    {
        for (int seen; (seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen;)
        {
        }
    }
}
