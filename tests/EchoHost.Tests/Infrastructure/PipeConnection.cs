using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A connection without a socket: a pair of pipes, with the client's ends for the test.</summary>
internal sealed class PipeConnection : DefaultConnectionContext
{
    private readonly Pipe _toHost;
    private readonly Pipe _toClient;

    /// <param name="client">The client's end point; null for a connection without an address.</param>
    /// <param name="pauseReading">The number of unread bytes at which the client has to wait for the host.</param>
    /// <param name="pauseWriting">The number of unread bytes at which the host has to wait for the client.</param>
    public PipeConnection(EndPoint? client = null, int pauseReading = 65536, int pauseWriting = 65536)
        : base($"pipes-{Guid.NewGuid():N}")
    {
        _toHost = new Pipe(new PipeOptions(pauseWriterThreshold: pauseReading, resumeWriterThreshold: 1, useSynchronizationContext: false));
        _toClient = new Pipe(new PipeOptions(pauseWriterThreshold: pauseWriting, resumeWriterThreshold: pauseWriting / 2, useSynchronizationContext: false));
        Transport = new Duplex(_toHost.Reader, _toClient.Writer);
        RemoteEndPoint = client;
    }

    /// <summary>The pipe that the client sends to.</summary>
    public PipeWriter ClientOutput => _toHost.Writer;

    /// <summary>The pipe that the client receives from.</summary>
    public PipeReader ClientInput => _toClient.Reader;

    /// <summary>Why the host aborted the connection; null if it did not.</summary>
    public string? AbortReason { get; private set; }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        AbortReason ??= abortReason.Message;
        _toHost.Reader.CancelPendingRead();
    }

    /// <summary>Reads until the host sends no more, and acknowledges that.</summary>
    public async Task<byte[]> ReceiveToEndAsync()
    {
        using var received = new MemoryStream();
        await ClientInput.CopyToAsync(received).WaitAsync(Wait.Limit);
        await ClientInput.CompleteAsync();
        return received.ToArray();
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
