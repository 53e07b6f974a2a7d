namespace EchoHost.Peers.Load;

/// <summary>What the connections of a load test share.</summary>
/// <param name="Options">What is to be done.</param>
/// <param name="Client">Makes the connections.</param>
/// <param name="Payload">What is sent.</param>
/// <param name="Tally">What is counted.</param>
/// <param name="GivenUp">Canceled when what is missing by then is waited for no longer.</param>
internal sealed record LoadContext(LoadOptions Options, PeerClient Client, LoadPayload Payload, LoadTally Tally, CancellationToken GivenUp)
{
    /// <summary>Whether the user has ended the test: what is then under way counts neither as answered nor as missing.</summary>
    public bool IsInterrupted { get; set; }

    /// <summary>When messages are due; null in a closed loop. Set before the first is sent.</summary>
    public LoadSchedule? Schedule { get; set; }
}
