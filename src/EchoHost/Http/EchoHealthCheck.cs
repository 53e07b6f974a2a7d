using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using EchoHost.Connections.Admission;
using EchoHost.Endpoints;
using EchoHost.Lifetime;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EchoHost.Http;

/// <summary>
/// Sends a message through every echo endpoint and reads it back, so that a listener that died is noticed. The answer
/// holds for a second, however many ask, and whether or not they wait for it. The host asks first, right when it has
/// started, so that the first of others need not wait for what a process does for the first time.
/// </summary>
#pragma warning disable CA1001 // A source without a timer has nothing that must be disposed of.
internal sealed partial class EchoHealthCheck(
    ListenEndpoints endpoints, BoundEndpoints bound, SelfProbes selfProbes, DrainState drain, TimeProvider time, ILogger<EchoHealthCheck> logger)
    : LifecycleService, IHealthCheck
#pragma warning restore CA1001
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    /// <summary>Never disposed of: a host that is stopped from two sides may be disposed of before it is told that it has stopped.</summary>
    private readonly CancellationTokenSource _end = new();
    private Task<HealthCheckResult>? _probe;
    private HealthStatus? _last;
    private long _endedAt;

    /// <summary>What has begun goes on for others when one that waits leaves.</summary>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Probe().WaitAsync(cancellationToken);

    /// <summary>Delays nothing, and nothing waits for it.</summary>
    public override Task StartedAsync(CancellationToken cancellationToken)
    {
        _ = Probe();
        return Task.CompletedTask;
    }

    /// <summary>Nothing waits any more for a probe that is still under way.</summary>
    public override Task StoppedAsync(CancellationToken cancellationToken) => _end.CancelAsync();

    /// <summary>The probe that is under way, or the last one while it is fresh, or a new one.</summary>
    private Task<HealthCheckResult> Probe()
    {
        lock (_lock)
        {
            if (_probe is null || (_probe.IsCompleted && time.GetElapsedTime(_endedAt) >= Fresh))
            {
                var end = _end.Token;
                _probe = Task.Run(() => RunAsync(end), end);
            }

            return _probe;
        }
    }

    private async Task<HealthCheckResult> RunAsync(CancellationToken end)
    {
        try
        {
            var result = await ProbeAllAsync(end);
            LogChange(result);
            _last = result.Status;
            return result;
        }
        finally
        {
            _endedAt = time.GetTimestamp();
        }
    }

    /// <summary>Accepts any certificate: the host connects to itself.</summary>
    private static async Task<Stream> EncryptAsync(Stream plain, CancellationToken cancellationToken)
    {
        var stream = new SslStream(plain);
#pragma warning disable CA5359 // Not a client of somebody else's: it asks whether its own listener lives.
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => true }, cancellationToken);
#pragma warning restore CA5359
        return stream;
    }

    private void LogChange(HealthCheckResult result)
    {
        // While it drains the host is unready anyhow, and its listeners are about to close.
        if (drain.IsDraining)
        {
            return;
        }

        if (result.Status == HealthStatus.Unhealthy && _last != HealthStatus.Unhealthy)
        {
            LogDead(logger, result.Description!);
        }
        else if (result.Status == HealthStatus.Healthy && _last == HealthStatus.Unhealthy)
        {
            LogAlive(logger, result.Description!);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Unready: {What:l}")]
    private static partial void LogDead(ILogger logger, string what);

    [LoggerMessage(2, LogLevel.Information, "Ready again: {What:l}")]
    private static partial void LogAlive(ILogger logger, string what);

    private async Task<HealthCheckResult> ProbeAllAsync(CancellationToken cancellationToken)
    {
        var probes = endpoints.Raw.Select(async endpoint => (endpoint.Name, Problem: await ProbeAsync(endpoint, cancellationToken)));
        var failed = (await Task.WhenAll(probes)).Where(p => p.Problem is not null).Select(p => $"{p.Name}: {p.Problem}").ToArray();
        return failed.Length == 0
            ? HealthCheckResult.Healthy($"{endpoints.Raw.Count} of {endpoints.Raw.Count} endpoints echo")
            : HealthCheckResult.Unhealthy($"{failed.Length} of {endpoints.Raw.Count} endpoints do not echo: {string.Join("; ", failed)}");
    }

    /// <summary>What is wrong with an endpoint; null when the message came back.</summary>
    private async Task<string?> ProbeAsync(ListenEndpoint endpoint, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            foreach (var address in bound.Of(endpoint))
            {
                await ProbeAsync(BoundEndpoints.Reachable(address), endpoint.Tls is not null, stop.Token);
            }

            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"nothing came back within {Limit.TotalSeconds:0} s";
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            return e.Message;
        }
    }

    private async Task ProbeAsync(EndPoint target, bool isTls, CancellationToken cancellationToken)
    {
        using var probe = selfProbes.Open(target);
        await probe.Socket.ConnectAsync(target, cancellationToken);
        await using var plain = new NetworkStream(probe.Socket, ownsSocket: false);
        await using var stream = isTls ? await EncryptAsync(plain, cancellationToken) : plain;
        var sent = Guid.NewGuid().ToByteArray();
        await stream.WriteAsync(sent, cancellationToken);
        var received = new byte[sent.Length];
        await stream.ReadExactlyAsync(received, cancellationToken);
        if (!received.AsSpan().SequenceEqual(sent))
        {
            throw new IOException("something else came back");
        }
    }
}
