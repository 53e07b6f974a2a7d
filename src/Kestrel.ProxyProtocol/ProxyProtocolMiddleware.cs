using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.ProxyProtocol;

/// <summary>
/// Reads the PROXY header at the start of a trusted proxy's connection, and makes the client in it the connection's remote
/// end point. Nothing is passed on or sent before the header is complete and valid.
/// </summary>
internal sealed class ProxyProtocolMiddleware(ConnectionDelegate next, ProxyProtocolOptions options)
{
    /// <summary>
    /// The number of bytes after which a match is certainly a header: the length of version 1's prefix, and more of version 2's
    /// signature than any text starts with. Fewer may be payload.
    /// </summary>
    private const int CertainlyHeader = 6;

    private bool IsOptional => options.Mode == ProxyHeaderMode.Optional;

    public async Task OnConnectionAsync(ConnectionContext context)
    {
        if (options.IsExempt?.Invoke(context) == true)
        {
            await next(context);
        }
        else if (!options.IsTrusted(context))
        {
            await PassUntrustedAsync(context);
        }
        else
        {
            await PassTrustedAsync(context);
        }
    }

    private async Task PassTrustedAsync(ConnectionContext context)
    {
        var transport = context.Transport;
        try
        {
            if (await ReadHeaderAsync(context))
            {
                await next(context);
            }
        }
        finally
        {
            context.Transport = transport;
        }
    }

    private Task PassUntrustedAsync(ConnectionContext context)
    {
        if (IsOptional)
        {
            options.Observer?.HeaderAbsent(context, isTrusted: false);
            return next(context);
        }

        Reject(context, new ProxyRejection(ProxyRejectionReason.Untrusted, 0, 0, "only trusted proxies may connect"));
        return Task.CompletedTask;
    }

    /// <summary>Reads the header. Returns whether the connection may continue.</summary>
    private async Task<bool> ReadHeaderAsync(ConnectionContext context)
    {
        var input = context.Transport.Input;
        // The limit ends with this method.
        using var limit = new CancellationTokenSource(options.FirstByteTimeout ?? options.HeaderTimeout, options.TimeProvider);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, options.Stopping);

        long seen = 0;
        var isLate = false;
        while (true)
        {
            ReadResult read;
            try
            {
                read = await input.ReadAsync(isLate ? CancellationToken.None : end.Token);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !isLate && IsOptional && seen is > 0 and < CertainlyHeader)
            {
                // These bytes may still be payload, so pass them on. They have been examined, so a plain read would wait
                // for more; a cancelled read returns them.
                isLate = true;
                input.CancelPendingRead();
                continue;
            }
            catch (OperationCanceledException)
            {
                GiveUp(context, seen, isTimeout: limit.IsCancellationRequested && !isLate);
                return false;
            }
            catch (IOException)
            {
                Reject(context, new ProxyRejection(ProxyRejectionReason.Missing, 0, seen, "it was reset before its PROXY header was complete"));
                return false;
            }

            if (seen == 0 && options.FirstByteTimeout is not null)
            {
                limit.CancelAfter(options.HeaderTimeout);
            }

            seen = read.Buffer.Length;
            var (status, version, header, length, problem) = Examine(read.Buffer, context.RemoteEndPoint);
            switch (status)
            {
                case ProxyParseStatus.Ok:
                    input.AdvanceTo(read.Buffer.GetPosition(length));
                    Accept(context, header!);
                    return true;
                case ProxyParseStatus.NeedMore when isLate && seen < CertainlyHeader:
                    context.Transport = new UnreadTransport(context.Transport, read);
                    options.Observer?.HeaderAbsent(context, isTrusted: true);
                    return true;
                case ProxyParseStatus.NeedMore when isLate:
                    input.AdvanceTo(read.Buffer.End);
                    GiveUp(context, seen, isTimeout: true);
                    return false;
                case ProxyParseStatus.NeedMore when !read.IsCompleted && !read.IsCanceled:
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    break;
                case ProxyParseStatus.Missing when IsOptional:
                case ProxyParseStatus.NeedMore when IsOptional && seen < CertainlyHeader:
                    input.AdvanceTo(read.Buffer.Start);
                    options.Observer?.HeaderAbsent(context, isTrusted: true);
                    return true;
                default:
                    input.AdvanceTo(read.Buffer.End);
                    Reject(context, new ProxyRejection(ReasonOf(status, seen), version, seen, problem ?? "it ended before its PROXY header did"));
                    return false;
            }
        }
    }

    /// <summary>Rejects a connection: no header came in time, the server is stopping, or the connection was aborted.</summary>
    private void GiveUp(ConnectionContext context, long seen, bool isTimeout)
    {
        var passed = seen == 0 && options.FirstByteTimeout is { } first ? first : options.HeaderTimeout;
        Reject(context, isTimeout
            ? new ProxyRejection(ProxyRejectionReason.Timeout, 0, seen, $"no PROXY header came within {passed.TotalSeconds} s")
            : options.Stopping.IsCancellationRequested
            ? new ProxyRejection(ProxyRejectionReason.Stopping, 0, seen, "the server stops")
            : new ProxyRejection(ProxyRejectionReason.Aborted, 0, seen, "it was aborted before its PROXY header was complete"));
    }

    private static ProxyRejectionReason ReasonOf(ProxyParseStatus status, long seen) => status switch
    {
        ProxyParseStatus.ChecksumMismatch => ProxyRejectionReason.ChecksumMismatch,
        ProxyParseStatus.Missing => ProxyRejectionReason.Missing,
        ProxyParseStatus.NeedMore when seen == 0 => ProxyRejectionReason.Missing,
        ProxyParseStatus.NeedMore or ProxyParseStatus.Malformed => ProxyRejectionReason.Malformed,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "not a rejection"),
    };

    /// <summary>Parses the bytes so far. The header, a view of the bytes, does not leave this method's stack.</summary>
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
            ? new Examined(status, version, new ProxyProtocolFeature(header, proxy), header.Length, null)
            : new Examined(status, version, null, 0, problem);
    }

    private void Accept(ConnectionContext context, ProxyProtocolFeature header)
    {
        context.Features.Set<IProxyProtocolFeature>(header);
        if (header.Source is { } client)
        {
            context.RemoteEndPoint = client;
        }

        options.Observer?.HeaderRead(context, header);
    }

    private void Reject(ConnectionContext context, ProxyRejection rejection)
    {
        options.Observer?.Rejected(context, rejection);
        context.Abort(new ConnectionAbortedException(rejection.Message));
    }

    private readonly record struct Examined(ProxyParseStatus Status, int Version, ProxyProtocolFeature? Header, int Length, string? Problem);
}
