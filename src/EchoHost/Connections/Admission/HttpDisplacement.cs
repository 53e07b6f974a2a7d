using EchoHost.Metrics;

namespace EchoHost.Connections.Admission;

internal static class HttpDisplacement
{
    /// <summary>Ends the connection that lost its place to another.</summary>
    public static void End(HttpPlace? displaced, HttpGate gate, EndpointMetrics metrics, Rejections rejections)
    {
        if (displaced is not null)
        {
            rejections.Reject(
                displaced.Connection,
                metrics,
                RejectReason.Limit,
                $"the HTTP connection that has waited the longest gives way to another (there are {gate.Places} places, {gate.Share} for one address)");
        }
    }
}
