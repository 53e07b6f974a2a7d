using EchoHost.Peers;
using EchoHost.Peers.Hold;

namespace EchoHost.Commands;

/// <summary>Prints the result for each idle time.</summary>
internal interface IHoldReport
{
    /// <summary>The connections are silent now.</summary>
    void Begun(ConnectionTally tally);

    /// <summary>A result is known.</summary>
    void Known(HoldResult result);

    /// <summary>All results are known, or the test was stopped.</summary>
    void Ended(HoldSummary summary);
}
