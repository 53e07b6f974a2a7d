using EchoHost.Peers;

namespace EchoHost.Commands;

/// <summary>Prints the result of each message.</summary>
internal interface ISendReport
{
    void Connected(PeerConnection connection);

    void Answered(SendMessage message, EchoTimes times);

    void Failed(SendMessage message, PeerException failure);

    void Ended(SendTally tally);
}
