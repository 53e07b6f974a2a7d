using System.Buffers;
using System.ComponentModel;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Epoll;

/// <summary>
/// A connection for Kestrel, over a descriptor that an event loop watches. Watching starts when code first has to wait, so a
/// connection that ends before is never watched.
/// </summary>
internal sealed class EpollConnection : ConnectionContext, IDuplexPipe, IPollable, IThreadPoolWorkItem,
    IKernelSocketFeature, IConnectionIdFeature, IConnectionEndPointFeature, IConnectionItemsFeature, IConnectionLifetimeFeature,
    IConnectionSocketFeature, IConnectionTransportFeature, IMemoryPoolFeature
{
    private const EpollEvents Always = EpollEvents.Readable | EpollEvents.PeerClosed | EpollEvents.Urgent;

    // Fields that every event touches come first, to share cache lines.
    private readonly SocketReader _reader;
    private readonly SocketWriter _writer;
    private readonly EpollTransport _transport;
    private readonly ulong _token;
    private readonly ConnectionFeatures _features;
    private readonly LoopStart? _start;
    private string? _id;
    private IDictionary<object, object?>? _items;
    private IDuplexPipe? _pipe;
    private EndPoint? _localEndPoint;
    private CancellationTokenSource? _closedSource;
    private StrongBox<CancellationToken>? _closed;
    private ConnectionAbortedException? _abortReason;
    private volatile EpollEvents _watched;
    private Errno _sendError;
    private bool _isClosed;

    /// <param name="transport">The transport that the connection belongs to.</param>
    /// <param name="loop">The loop that watches it.</param>
    /// <param name="descriptor">Its socket; disposed with the connection.</param>
    /// <param name="remote">The peer's end point.</param>
    /// <param name="isUnix">Whether it is a Unix socket.</param>
    /// <param name="continuesOnLoop">Whether continuations run directly on the loop; otherwise on the thread pool.</param>
    /// <param name="start">Runs it, if it starts on the loop; null if another caller does.</param>
    public EpollConnection(
        EpollTransport transport, EventLoop loop, SocketDescriptor descriptor, EndPoint? remote, bool isUnix, bool continuesOnLoop, LoopStart? start = null)
    {
        _transport = transport;
        _start = start;
        Loop = loop;
        Descriptor = descriptor;
        RemoteEndPoint = remote;
        IsUnix = isUnix;
        ContinuesOnLoop = continuesOnLoop;
        _reader = new SocketReader(this);
        _writer = new SocketWriter(this);
        _features = new ConnectionFeatures(this);
        _token = loop.Register(this);
    }

    public EventLoop Loop { get; }

    public SocketDescriptor Descriptor { get; }

    public bool IsUnix { get; }

    /// <summary>Whether continuations run directly on the loop; otherwise on the thread pool.</summary>
    public bool ContinuesOnLoop { get; }

    /// <summary>Why the connection was aborted; null if it was not.</summary>
    public ConnectionAbortedException? AbortReason => Volatile.Read(ref _abortReason);

    public override string ConnectionId
    {
        get => _id ??= ConnectionIds.Next();
        set => _id = value;
    }

    public override IFeatureCollection Features => _features;

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _pipe ?? this;
        set => _pipe = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => _localEndPoint ??= _transport.Share(Descriptor.LocalAddress());
        set => _localEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint { get; set; }

    /// <summary>Cancelled when the peer has closed its side, or the connection is gone.</summary>
    public override CancellationToken ConnectionClosed
    {
        get => _closed is { } given ? given.Value : WatchClosed();
        set => _closed = new StrongBox<CancellationToken>(value);
    }

    PipeReader IDuplexPipe.Input => _reader;

    PipeWriter IDuplexPipe.Output => _writer;

    MemoryPool<byte> IMemoryPoolFeature.MemoryPool => _transport.MemoryPool;

    Socket IConnectionSocketFeature.Socket => Descriptor.AsSocket();

    int IKernelSocketFeature.UnreadBytes => Descriptor.UnreadBytes();

    int IKernelSocketFeature.GetOption(int level, int name, Span<byte> value) => Descriptor.GetOption(level, name, value);

    void IKernelSocketFeature.ShutdownSend() => Descriptor.ShutdownSend();

    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted"));

    public override void Abort(ConnectionAbortedException abortReason)
    {
        if (Interlocked.CompareExchange(ref _abortReason, abortReason, null) is null)
        {
            Descriptor.Reset();
            _reader.OnAborted();
            _writer.OnAborted();
            OnClosed();
        }
    }

    public override ValueTask DisposeAsync()
    {
        _reader.Complete();
        _writer.Complete();
        if (_writer.IsFinished)
        {
            Close();
            return base.DisposeAsync();
        }

        return DisposeWhenSentAsync();
    }

    /// <summary>
    /// Makes the loop report these events too. If the kernel refuses, the connection is aborted, because its events would
    /// never be reported.
    /// </summary>
    public void WatchFor(EpollEvents events)
    {
        events |= Always;
        if ((_watched & events) == events)
        {
            return;
        }

        Errno error;
        lock (_features)
        {
            error = Loop.Watch(Descriptor, _token, _watched == EpollEvents.None ? EpollOperation.Add : EpollOperation.Modify, _watched | events);
            if (error == Errno.None)
            {
                _watched |= events;
            }
        }

        if (error != Errno.None && AbortReason is null)
        {
            var why = error == Errno.BadDescriptor ? "The connection is closed" : $"The connection can't be watched: {new Win32Exception((int)error).Message}";
            Abort(new ConnectionAbortedException(why));
        }
    }

    void IPollable.OnEvents(EpollEvents events)
    {
        const EpollEvents ended = EpollEvents.PeerClosed | EpollEvents.HangUp | EpollEvents.Error;
        if ((events & ended) != 0)
        {
            OnClosed();
        }

        if ((events & (EpollEvents.Writable | EpollEvents.HangUp | EpollEvents.Error)) != 0)
        {
            _writer.Execute();
        }

        if ((events & (EpollEvents.Readable | EpollEvents.Urgent | ended)) != 0)
        {
            _reader.OnReadable(mayHideMore: (events & (EpollEvents.Urgent | ended)) != 0);
        }
    }

    /// <summary>Starts to run the connection; called once, on the loop.</summary>
    void IThreadPoolWorkItem.Execute() => _ = _start!.RunAsync(this);

    void IPollable.OnFailed(Exception exception) => Abort(new ConnectionAbortedException(exception.Message, exception));

    /// <summary>The reason for a receive that returned no bytes; null for the peer's orderly close.</summary>
    public Exception? ReceiveFailure(Errno error)
    {
        // The kernel reports an error once: after a failed send, a receive sees only the end of the stream.
        var cause = error == Errno.None && _sendError != Errno.BrokenPipe ? _sendError : error;
        return AbortReason is { } aborted ? aborted
            : cause == Errno.None ? null
            : cause is Errno.ConnectionReset ? new ConnectionResetException(new Win32Exception((int)cause).Message)
            : new IOException(new Win32Exception((int)cause).Message, cause.ToException(isFromNetwork: true));
    }

    public void OnSendFailed(Errno error) => _sendError = error;

    public void OnInputEnded() => OnClosed();

    /// <summary>Sends FIN: all bytes are handed to the kernel, or the peer is gone.</summary>
    public void OnOutputFinished()
    {
        if (_reader.IsEnded)
        {
            // Both directions have ended, and closing sends FIN too.
            Descriptor.Dispose();
        }
        else
        {
            Descriptor.ShutdownSend();
        }
    }

    private async ValueTask DisposeWhenSentAsync()
    {
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _writer.WhenFinished(sent.SetResult);
        await sent.Task;
        Close();
        await base.DisposeAsync();
    }

    private void Close()
    {
        OnClosed();
        Loop.Unregister(_token);
        Descriptor.Dispose();
    }

    private CancellationToken WatchClosed()
    {
        CancellationTokenSource source;
        bool isClosed;
        lock (_features)
        {
            source = _closedSource ??= new CancellationTokenSource();
            isClosed = _isClosed;
        }

        if (isClosed)
        {
            source.Cancel();
        }
        else
        {
            WatchFor(EpollEvents.PeerClosed);
        }

        return source.Token;
    }

    private void OnClosed()
    {
        CancellationTokenSource? source;
        lock (_features)
        {
            source = _isClosed ? null : _closedSource;
            _isClosed = true;
        }

        if (source is not null)
        {
            // Callbacks of others must not block the loop.
            ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), source, preferLocal: false);
        }
    }
}
