using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A connection without a socket: a pair of pipes, of which the test holds the client's ends.</summary>
internal sealed class PipeConnection : DefaultConnectionContext
{
    private readonly Pipe _toHost;
    private readonly Pipe _toClient;

    /// <param name="client">Where it comes from; null for a connection without an address.</param>
    /// <param name="pauseReading">How many bytes the host may leave unread before the client has to wait.</param>
    /// <param name="pauseWriting">How many bytes the client may leave unread before the host has to wait.</param>
    public PipeConnection(EndPoint? client = null, int pauseReading = 65536, int pauseWriting = 65536)
        : base($"pipes-{Guid.NewGuid():N}")
    {
        _toHost = new Pipe(new PipeOptions(pauseWriterThreshold: pauseReading, resumeWriterThreshold: 1, useSynchronizationContext: false));
        _toClient = new Pipe(new PipeOptions(pauseWriterThreshold: pauseWriting, resumeWriterThreshold: pauseWriting / 2, useSynchronizationContext: false));
        Transport = new Duplex(_toHost.Reader, _toClient.Writer);
        RemoteEndPoint = client;
    }

    /// <summary>What the client sends.</summary>
    public PipeWriter ClientOutput => _toHost.Writer;

    /// <summary>What the client receives.</summary>
    public PipeReader ClientInput => _toClient.Reader;

    /// <summary>Why the host aborted the connection; null while it has not.</summary>
    public string? AbortReason { get; private set; }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        AbortReason ??= abortReason.Message;
        _toHost.Reader.CancelPendingRead();
    }

    /// <summary>Reads what the host sends until it sends no more, and acknowledges that.</summary>
    public async Task<byte[]> ReceiveToEndAsync()
    {
        using var received = new MemoryStream();
        await ClientInput.CopyToAsync(received).WaitAsync(Wait.Limit);
        await ClientInput.CompleteAsync();
        return received.ToArray();
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
