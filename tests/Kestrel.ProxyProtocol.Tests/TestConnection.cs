using System.IO.Pipelines;
using System.Net;
using System.Text;
using EchoHost.Tests.Infrastructure;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.ProxyProtocol.Tests;

/// <summary>
/// A connection over a pair of pipes, with the middleware before a handler that reads everything. The pipes run
/// continuations inline: after a write the middleware has seen the bytes.
/// </summary>
#pragma warning disable CA1001 // A connection over pipes holds nothing that has to be let go.
internal sealed class TestConnection : IProxyProtocolObserver
#pragma warning restore CA1001
{
    public static readonly IPEndPoint Proxy = IPEndPoint.Parse("192.0.2.10:40000");
    public static readonly IPEndPoint Server = IPEndPoint.Parse("192.0.2.20:5555");

    private readonly Pipe _toServer = new(Inline());
    private readonly Pipe _fromServer = new(Inline());
    private readonly Duplex _transport;
    private readonly Context _context;
    private readonly Task _chain;

    /// <summary>Connects, and runs the chain.</summary>
    /// <param name="options">The middleware's options; this object becomes the observer.</param>
    /// <param name="remote">The remote end point; <see cref="Proxy"/> by default.</param>
    public TestConnection(ProxyProtocolOptions options, EndPoint? remote = null)
    {
        options.Observer = this;
        _transport = new Duplex(_toServer.Reader, _fromServer.Writer);
        _context = new Context
        {
            Transport = _transport,
            RemoteEndPoint = remote ?? Proxy,
            LocalEndPoint = Server,
        };
        var builder = new ConnectionBuilder(NoServices.Instance).UseProxyProtocol(options);
        builder.Run(HandleAsync);
        _chain = builder.Build()(_context);
    }

    /// <summary>The bytes that the handler received; null before it is called.</summary>
    public MemoryStream? Payload { get; private set; }

    /// <summary>The connection's remote end point as the handler sees it.</summary>
    public EndPoint? RemoteEndPoint { get; private set; }

    public EndPoint? LocalEndPoint => _context.LocalEndPoint;

    public IProxyProtocolFeature? Feature => _context.Features.Get<IProxyProtocolFeature>();

    /// <summary>The observer's calls.</summary>
    public List<string> Events { get; } = [];

    /// <summary>The last rejection.</summary>
    public ProxyRejection? Rejection { get; private set; }

    /// <summary>The reason of the abort; null if the connection was not aborted.</summary>
    public string? AbortReason => _context.AbortReason;

    /// <summary>Whether the middleware and the handler have returned.</summary>
    public bool IsOver => _chain.IsCompleted;

    public Task SendAsync(string text) => SendAsync(Encoding.ASCII.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _toServer.Writer.WriteAsync(bytes).AsTask().WaitAsync(Wait.Limit);

    /// <summary>Closes the client's side, and waits for the chain to end.</summary>
    /// <param name="fault">The error to close with; null for an orderly close.</param>
    public async Task EndAsync(Exception? fault = null)
    {
        await _toServer.Writer.CompleteAsync(fault);
        await OverAsync();
    }

    /// <summary>
    /// Waits for the chain to end by itself, and checks that neither the middleware nor the handler has sent a byte.
    /// </summary>
    public async Task OverAsync()
    {
        await _chain.WaitAsync(Wait.Limit);
        Assert.False(_fromServer.Reader.TryRead(out _), "something was sent");
        Assert.Same(_transport, _context.Transport);
    }

    void IProxyProtocolObserver.HeaderRead(ConnectionContext connection, IProxyProtocolFeature header)
    {
        Assert.Same(Feature, header);
        Events.Add($"v{header.Version} {header.Command} {connection.RemoteEndPoint}");
    }

    void IProxyProtocolObserver.HeaderAbsent(ConnectionContext connection, bool isTrusted) => Events.Add(isTrusted ? "absent" : "absent, untrusted");

    void IProxyProtocolObserver.Rejected(ConnectionContext connection, ProxyRejection rejection)
    {
        Assert.Null(AbortReason);
        Events.Add($"{rejection.Reason}, version {rejection.Version}, {rejection.BytesReceived} bytes");
        Rejection = rejection;
    }

    private static PipeOptions Inline() =>
        // Small segments, so that headers cross their boundaries.
        new(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false, minimumSegmentSize: 16);

    private async Task HandleAsync(ConnectionContext connection)
    {
        RemoteEndPoint = connection.RemoteEndPoint;
        Payload = new MemoryStream();
        await connection.Transport.Input.CopyToAsync(Payload);
    }

    private sealed class Context : DefaultConnectionContext
    {
        public string? AbortReason { get; private set; }

        public override void Abort(ConnectionAbortedException abortReason) => AbortReason ??= abortReason.Message;
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class NoServices : IServiceProvider
    {
        public static readonly NoServices Instance = new();

        public object? GetService(Type serviceType) => null;
    }
}
