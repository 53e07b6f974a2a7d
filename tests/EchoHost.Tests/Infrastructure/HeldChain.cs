using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Infrastructure;

/// <summary>The rest of a connection's chain, which holds every connection until it is released.</summary>
internal sealed class HeldChain
{
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public HeldChain() => Next = _ =>
    {
        Entered++;
        return _release.Task;
    };

    public ConnectionDelegate Next { get; }

    /// <summary>How many connections have come this far.</summary>
    public int Entered { get; private set; }

    /// <summary>Ends the connections, and lets further ones through.</summary>
    public void Release() => _release.SetResult();
}
