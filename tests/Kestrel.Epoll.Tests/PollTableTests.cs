using EchoHost.Tests.Infrastructure;

namespace Kestrel.Epoll.Tests;

public class PollTableTests
{
    [Fact]
    public void A_token_finds_its_target_and_no_other()
    {
        var table = new PollTable();
        var targets = Enumerable.Range(0, 100).Select(_ => new Target()).ToArray();
        var tokens = targets.Select(table.Add).ToArray();
        Assert.Equal(100, tokens.Distinct().Count());
        Assert.All(tokens.Zip(targets), pair => Assert.Same(pair.Second, table.Find(pair.First)));
    }

    [Fact]
    public void A_removed_token_finds_nothing_even_when_its_place_is_taken_again()
    {
        var table = new PollTable();
        var old = table.Add(new Target());
        table.Remove(old);
        Assert.Null(table.Find(old));
        for (var i = 0; i < 1000; i++)
        {
            var successor = new Target();
            var token = table.Add(successor);
            // The index is the same, the generation is not.
            Assert.Equal((uint)old, (uint)token);
            Assert.NotEqual(old, token);
            Assert.Null(table.Find(old));
            table.Remove(old);
            Assert.Same(successor, table.Find(token));
            table.Remove(token);
            table.Remove(token);
            old = token;
        }

        // After a second removal, an index is still given to one target at a time.
        var (one, other) = (table.Add(new Target()), table.Add(new Target()));
        Assert.NotEqual((uint)one, (uint)other);
    }

    [Fact]
    public async Task While_others_come_and_go_nothing_is_found_by_a_strangers_token()
    {
        var table = new PollTable();
        var lasting = new Target();
        var token = table.Add(lasting);
        var coming = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var random = new Random(1);
            var present = new List<ulong>();
            for (var i = 0; i < 200_000; i++)
            {
                if (present.Count > 0 && random.Next(2) == 0)
                {
                    var at = random.Next(present.Count);
                    table.Remove(present[at]);
                    Assert.Null(table.Find(present[at]));
                    present.RemoveAt(at);
                }
                else
                {
                    present.Add(table.Add(new Target()));
                }
            }
        })).ToArray();
        var all = Task.WhenAll(coming);
        while (!all.IsCompleted)
        {
            Assert.Same(lasting, table.Find(token));
        }

        await all.WaitAsync(Wait.Limit);
    }

    private sealed class Target : IPollable
    {
        public void OnEvents(EpollEvents events)
        {
        }

        public void OnFailed(Exception exception)
        {
        }
    }
}
