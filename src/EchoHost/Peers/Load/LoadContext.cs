namespace EchoHost.Peers.Load;

/// <summary>What the connections of a load test share.</summary>
/// <param name="Options">The options of the test.</param>
/// <param name="Client">Makes the connections.</param>
/// <param name="Payload">Creates and compares the messages.</param>
/// <param name="Tally">Counts the results.</param>
/// <param name="GivenUp">Canceled when the test stops waiting for missing messages.</param>
internal sealed record LoadContext(LoadOptions Options, PeerClient Client, LoadPayload Payload, LoadTally Tally, CancellationToken GivenUp)
{
    /// <summary>Whether the user ended the test. Messages under way then don't count as missing.</summary>
    public bool IsInterrupted { get; set; }

    /// <summary>When messages are due; null in a closed loop. Set before the first message is sent.</summary>
    public LoadSchedule? Schedule { get; set; }
}
