namespace Kestrel.ProxyProtocol;

/// <summary>Why a connection was rejected.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Version">The version that the bytes match, 1 or 2; 0 if they match none, or were not examined.</param>
/// <param name="BytesReceived">The number of bytes examined; 0 for a silent connection.</param>
/// <param name="Message">The reason in words, for a log line after "rejected:".</param>
public sealed record ProxyRejection(ProxyRejectionReason Reason, int Version, long BytesReceived, string Message);
