using EchoHost.Peers;

namespace EchoHost.Tests.Infrastructure;

/// <summary>Calls to peers, each with a time limit of its own.</summary>
internal static class TimeLimits
{
    public static async Task<PeerConnection> ConnectAsync(
        this PeerClient client,
        PeerTarget target,
        TimeSpan timeout,
        CancellationToken stop,
        TimeProvider? time = null)
    {
        using var limit = new TimeLimit(timeout, time ?? TimeProvider.System, stop);
        return await client.ConnectAsync(target, limit);
    }

    public static async Task<Probe> ProbeAsync(
        this PeerClient client,
        PeerTarget target,
        int payloadBytes,
        TimeSpan timeout,
        CancellationToken stop,
        TimeProvider? time = null)
    {
        using var limit = new TimeLimit(timeout, time ?? TimeProvider.System, stop);
        return await client.ProbeAsync(target, payloadBytes, limit);
    }

    public static async Task<EchoTimes> EchoAsync(this PeerConnection connection, ReadOnlyMemory<byte> message, TimeSpan timeout, CancellationToken stop)
    {
        using var limit = new TimeLimit(timeout, TimeProvider.System, stop);
        return await connection.EchoAsync(message, limit);
    }
}
