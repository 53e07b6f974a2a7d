namespace EchoHost.Metrics;

/// <summary>The main counters of all endpoints together, at one moment. Sums of what <c>/metrics</c> shows by endpoint.</summary>
/// <param name="Connections">The number of connections open now.</param>
/// <param name="Messages">The number of messages so far.</param>
/// <param name="Received">Bytes received so far.</param>
/// <param name="Sent">Bytes sent so far.</param>
/// <param name="Rejected">The number of rejected connections so far, indexed by <see cref="RejectReason"/>.</param>
internal readonly record struct ActivityTotals(long Connections, long Messages, long Received, long Sent, long[] Rejected);
