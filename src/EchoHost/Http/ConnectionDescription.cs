using System.Text.Json;
using System.Text.Json.Serialization;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tls;
using EchoHost.Connections.Tracking;

namespace EchoHost.Http;

/// <summary>A connection as <c>/connections</c> shows it; times in seconds, counts in bytes and messages.</summary>
internal sealed record ConnectionDescription(
    string Id,
    string Endpoint,
    string Peer,
    string? Via,
    DateTime OpenedAt,
    double AgeSeconds,
    double IdleSeconds,
    long ReceivedBytes,
    long SentBytes,
    long Messages,
    TlsDescription? Tls,
    ProxyDescription? Proxy,
    IReadOnlyList<string> Faults,
    TcpDescription? Tcp)
{
    public static ConnectionDescription Of(TrackedConnection c) => new(
        c.Id,
        c.Endpoint,
        c.Client,
        c.Via,
        c.OpenedAt.UtcDateTime,
        Math.Round(c.Age.TotalSeconds, 3),
        Math.Round(c.Idle.TotalSeconds, 3),
        c.ReceivedBytes,
        c.SentBytes,
        c.Messages,
        c.Tls,
        c.Proxied?.Description,
        c.Faults,
        TcpInfo.Read(c.Socket) is { } tcp
            ? new TcpDescription(tcp.RttMicroseconds / 1000.0, tcp.MinRttMicroseconds / 1000.0, tcp.Retransmits, tcp.SendQueueBytes)
            : null);
}

/// <summary>The kernel's figures (TCP_INFO); times in milliseconds.</summary>
internal sealed record TcpDescription(double RttMs, double MinRttMs, uint Retransmits, ulong SendQueueBytes);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ConnectionDescription))]
internal sealed partial class ConnectionsJson : JsonSerializerContext;
