namespace Kestrel.ProxyProtocol;

/// <summary>Why a connection is turned away.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Version">The version that the bytes began as, 1 or 2; 0 where they began none, or were not judged.</param>
/// <param name="BytesReceived">How many bytes were looked at; 0 tells a silent connection.</param>
/// <param name="Message">The reason in words, for a log: what follows "turned away:".</param>
public sealed record ProxyRejection(ProxyRejectionReason Reason, int Version, long BytesReceived, string Message);
