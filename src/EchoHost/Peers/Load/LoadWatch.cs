namespace EchoHost.Peers.Load;

/// <summary>
/// Calls back at intervals, on a thread of its own. A timer would wake a thread of the pool for each call, which then looks out
/// for more work for a while before it sleeps: on a machine of few CPUs, some per cent of the time that the load needs.
/// </summary>
internal sealed class LoadWatch : IDisposable
{
    private readonly ManualResetEvent _over = new(initialState: false);
    private readonly Thread _thread;

    public LoadWatch(TimeSpan interval, Action look)
    {
        _thread = new Thread(() =>
        {
            while (!_over.WaitOne(interval))
            {
                look();
            }
        })
        {
            IsBackground = true,
            Name = "load watch",
        };
        _thread.UnsafeStart();
    }

    /// <summary>Ends the calls; waits for one under way.</summary>
    public void Dispose()
    {
        _over.Set();
        _thread.Join();
        _over.Dispose();
    }
}
