using System.IO.Pipelines;
using System.Net;
using BenchmarkDotNet.Attributes;
using EchoHost.Connections.Tracking;
using EchoHost.Echo;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Benchmarks;

/// <summary>
/// What the echo itself takes for a message, with its tracking and metrics: from a pipe to a pipe, in memory. Both run
/// what waits for them at once, on the same thread, so that nothing but the echo is measured.
/// </summary>
[MemoryDiagnoser]
[ShortRunJob]
public class EchoLoopBenchmarks
{
    private readonly Pipe _toHandler = new(Inline);
    private readonly Pipe _fromHandler = new(Inline);
    private WebApplication _host = null!;
    private Task _handling = Task.CompletedTask;
    private byte[] _message = [];

    /// <summary>In bytes. The longer one comes in pieces of 4 KiB, the pipes' own measure.</summary>
    [Params(64, 16 * 1024)]
    public int Size { get; set; }

    private static PipeOptions Inline => new(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);

    [GlobalSetup]
    public void Setup()
    {
        _message = new byte[Size];
        Random.Shared.NextBytes(_message);
        _host = BenchmarkHost.Build();
        var connection = new DefaultConnectionContext("benchmark")
        {
            RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, 50000),
            Transport = new Duplex(_toHandler.Reader, _fromHandler.Writer),
        };
        connection.Features.Set(new TrackedConnection(connection, "Tcp", TimeProvider.System));
        _handling = ActivatorUtilities.CreateInstance<EchoConnectionHandler>(_host.Services).OnConnectedAsync(connection);
    }

    [GlobalCleanup]
    public async Task Cleanup()
    {
        await _toHandler.Writer.CompleteAsync();
        await _handling;
        await _host.DisposeAsync();
    }

    [Benchmark]
    public long Echo()
    {
        var writing = _toHandler.Writer.WriteAsync(_message);
        if (!writing.IsCompletedSuccessfully || !_fromHandler.Reader.TryRead(out var read))
        {
            throw new InvalidOperationException("the echo did not come at once");
        }

        var length = read.Buffer.Length;
        _fromHandler.Reader.AdvanceTo(read.Buffer.End);
        return length == Size ? length : throw new InvalidOperationException($"{length} bytes came back");
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
