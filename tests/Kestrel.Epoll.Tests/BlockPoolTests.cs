using EchoHost.Tests.Infrastructure;

namespace Kestrel.Epoll.Tests;

public class BlockPoolTests
{
    [Fact]
    public void A_returned_block_is_the_next_one_and_is_as_new()
    {
        var pool = new BlockPool();
        var block = pool.Rent();
        Assert.Equal(BlockPool.BlockSize, block.FreeSpan.Length);
        block.Fill(100);
        block.Append(Block.Of(1));
        Assert.Equal(1, pool.InUse);
        pool.Return(block);
        Assert.Equal(0, pool.InUse);
        Assert.Same(block, pool.Rent());
        Assert.Equal((0, BlockPool.BlockSize, 0L), (block.Length, block.FreeSpan.Length, block.RunningIndex));
        Assert.Null(block.Next);
        Assert.True(block.Memory.IsEmpty);
    }

    [Fact]
    public void Of_a_burst_only_so_many_are_kept()
    {
        var pool = new BlockPool();
        var burst = Enumerable.Range(0, 1000).Select(_ => pool.Rent()).ToHashSet();
        Assert.Equal(1000, burst.Count);
        Assert.Equal(1000, pool.InUse);
        foreach (var block in burst)
        {
            pool.Return(block);
        }

        Assert.Equal(0, pool.InUse);
        var next = Enumerable.Range(0, 1000).Select(_ => pool.Rent()).ToList();
        Assert.InRange(next.Count(burst.Contains), 1, 100);
        Assert.Equal(1000, pool.InUse);
    }

    [Fact]
    public void What_is_not_the_pools_does_not_get_into_it()
    {
        var pool = new BlockPool();
        var own = Block.Of(10);
        pool.Return(own);
        Assert.Equal(0, pool.InUse);
        Assert.NotSame(own, pool.Rent());
    }

    [Fact]
    public async Task No_block_is_ever_with_two_at_once()
    {
        var pool = new BlockPool();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() =>
        {
            var random = new Random(worker);
            var held = new Stack<Block>();
            for (var i = 0; i < 100_000; i++)
            {
                if (held.Count > 0 && random.Next(2) == 0)
                {
                    var block = held.Pop();
                    Assert.Equal(worker, block.Filled[0]);
                    pool.Return(block);
                }
                else
                {
                    var block = pool.Rent();
                    Assert.Equal(0, block.Length);
                    block.FreeSpan[0] = (byte)worker;
                    block.Fill(1);
                    held.Push(block);
                }
            }

            while (held.TryPop(out var block))
            {
                pool.Return(block);
            }
        }))).WaitAsync(Wait.Limit);
        Assert.Equal(0, pool.InUse);
    }
}
