using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Connections.Tracking;
using EchoHost.Http;
using EchoHost.Metrics;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.ProxyProtocol;

/// <summary>
/// Reads the PROXY header that a trusted proxy begins a connection with, and makes the client that it names the
/// connection's peer. Nothing is passed on, or sent, before the header is complete and valid.
/// </summary>
/// <remarks>Once <c>end</c> is cancelled, headers are no longer waited for.</remarks>
internal sealed class ProxyProtocolMiddleware(ConnectionDelegate next, ProxyProtocolMode mode, EndpointMetrics metrics, HostSettings settings, SelfProbes selfProbes, Rejections rejections, TimeProvider time, CancellationToken end)
{
    /// <summary>Shorter than either version's signature, so that what an optional header's wait ends with may well be payload.</summary>
    private const int CertainlyHeader = 6;

    private readonly TimeSpan _limit = settings.Echo.Limits.ProxyHeaderTimeout;

    /// <summary>An optional header has not begun before the first byte: until then a peer of the echo is just idle. HTTP knows no idle peers.</summary>
    private TimeSpan FirstByteLimit => mode == ProxyProtocolMode.Required || metrics.Endpoint == HttpAddress.EndpointName ? _limit
        : settings.Echo.Limits.IdleTimeout > TimeSpan.Zero ? settings.Echo.Limits.IdleTimeout
        : Timeout.InfiniteTimeSpan;

    public async Task OnConnectionAsync(ConnectionContext context)
    {
        if (selfProbes.Contains(context.RemoteEndPoint))
        {
            await next(context);
        }
        else if (!IsTrusted(context.RemoteEndPoint))
        {
            await PassUntrustedAsync(context);
        }
        else if (await ReadHeaderAsync(context))
        {
            await next(context);
        }
    }

    /// <summary>Who may connect to a Unix socket is up to its file's permissions; there is no address to go by.</summary>
    private bool IsTrusted(EndPoint? remote) => PeerAddress.Address(remote) is not { } address || settings.TrustedProxies.Contains(address);

    private Task PassUntrustedAsync(ConnectionContext context)
    {
        if (mode == ProxyProtocolMode.Optional)
        {
            return next(context);
        }

        Reject(context, 0, ProxyResult.Untrusted, "only trusted proxies may connect", isSilent: false);
        return Task.CompletedTask;
    }

    /// <summary>Whether the connection may go on.</summary>
    private async Task<bool> ReadHeaderAsync(ConnectionContext context)
    {
        var input = context.Transport.Input;
        // One limit for the whole header, lifted with this method.
        using var limit = new CancellationTokenSource(FirstByteLimit, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, end);

        long seen = 0;
        while (true)
        {
            ReadResult read;
            try
            {
                read = await input.ReadAsync(stop.Token);
            }
            catch (OperationCanceledException)
            {
                return GiveUp(context, seen, limit.IsCancellationRequested);
            }
            catch (IOException)
            {
                Reject(context, 0, ProxyResult.Missing, "it was reset before its PROXY header was complete", isSilent: seen == 0);
                return false;
            }

            if (seen == 0 && mode == ProxyProtocolMode.Optional)
            {
                limit.CancelAfter(_limit);
            }

            seen = read.Buffer.Length;
            var (status, version, header, length, problem) = Examine(read.Buffer, context.RemoteEndPoint);
            switch (status)
            {
                case ProxyParseStatus.Ok:
                    input.AdvanceTo(read.Buffer.GetPosition(length));
                    Accept(context, header!);
                    return true;
                case ProxyParseStatus.NeedMore when !read.IsCompleted && !read.IsCanceled:
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    break;
                case ProxyParseStatus.NeedMore or ProxyParseStatus.Missing when mode == ProxyProtocolMode.Optional && !(status == ProxyParseStatus.NeedMore && seen >= CertainlyHeader):
                    input.AdvanceTo(read.Buffer.Start);
                    return true;
                default:
                    input.AdvanceTo(read.Buffer.End);
                    Reject(context, version, ResultOf(status, seen), problem ?? "it ended before its PROXY header did", isSilent: seen == 0);
                    return false;
            }
        }
    }

    /// <summary>No header came in time, or the host drains. What may still be payload goes on where a header is optional.</summary>
    private bool GiveUp(ConnectionContext context, long seen, bool isTimeout)
    {
        if (!isTimeout)
        {
            rejections.TurnAway(context, metrics, RejectReason.Draining, "draining");
            return false;
        }

        if (mode == ProxyProtocolMode.Optional && seen is > 0 and < CertainlyHeader)
        {
            // The bytes have been looked at, so that a read would wait for more; cancelled, it returns with what is there.
            context.Transport.Input.CancelPendingRead();
            return true;
        }

        Reject(context, 0, ProxyResult.Timeout, $"no PROXY header came within {(seen == 0 ? FirstByteLimit : _limit).TotalSeconds} s", isSilent: seen == 0);
        return false;
    }

    private static ProxyResult ResultOf(ProxyParseStatus status, long seen) => status switch
    {
        ProxyParseStatus.ChecksumMismatch => ProxyResult.Checksum,
        ProxyParseStatus.Missing => ProxyResult.Missing,
        ProxyParseStatus.NeedMore when seen == 0 => ProxyResult.Missing,
        _ => ProxyResult.Malformed,
    };

    /// <summary>What the bytes so far amount to. Here the span that a header lies in never leaves the stack.</summary>
    private static Examined Examine(in ReadOnlySequence<byte> buffer, EndPoint? proxy)
    {
        if (buffer.IsSingleSegment)
        {
            return Examine(buffer.FirstSpan, proxy);
        }

        Span<byte> whole = stackalloc byte[ProxyHeaderParser.MaxLength];
        var length = (int)Math.Min(buffer.Length, whole.Length);
        buffer.Slice(0, length).CopyTo(whole);
        return Examine(whole[..length], proxy);
    }

    private static Examined Examine(ReadOnlySpan<byte> bytes, EndPoint? proxy)
    {
        var status = ProxyHeaderParser.Parse(bytes, out var header, out var problem);
        var version = bytes.IsEmpty || status == ProxyParseStatus.Missing ? 0 : bytes[0] == 'P' ? 1 : 2;
        return status == ProxyParseStatus.Ok
            ? new Examined(status, version, new Accepted(header.HasAddresses ? header.Source.ToEndPoint() : null, header.IsLocal, new ProxiedConnection(header.HasAddresses ? proxy : null, ProxyDescription.From(header))), header.Length, null)
            : new Examined(status, version, null, 0, problem);
    }

    private void Accept(ConnectionContext context, Accepted header)
    {
        metrics.ProxyHeader(header.Connection.Description.Version, header.IsLocal ? ProxyResult.Local : ProxyResult.Ok);
        context.Features.Set(header.Connection);
        if (header.Client is { } client)
        {
            context.RemoteEndPoint = client;
        }
    }

    private void Reject(ConnectionContext context, int version, ProxyResult result, string why, bool isSilent)
    {
        metrics.ProxyHeader(version, result);
        var isQuiet = isSilent && settings.IsQuiet(context.RemoteEndPoint);
        var key = ("proxy", result.Label());
        if (result == ProxyResult.Missing && isSilent)
        {
            // Who left before saying anything was not turned away.
            rejections.Tell(key, context, why, isQuiet);
        }
        else
        {
            rejections.Count(context, metrics, RejectReason.Proxy, key, why, isQuiet);
        }

        context.Abort(new ConnectionAbortedException(why));
    }

    private sealed record Accepted(IPEndPoint? Client, bool IsLocal, ProxiedConnection Connection);

    private readonly record struct Examined(ProxyParseStatus Status, int Version, Accepted? Header, int Length, string? Problem);
}
