using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Drain;
using EchoHost.Echo;
using EchoHost.Transport;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EchoHost.Http;

/// <summary>
/// Sends a message through every echo endpoint and reads it back, so that a listener that died is noticed. The answer
/// holds for a second, however many ask.
/// </summary>
internal sealed partial class EchoHealthCheck(HostSettings settings, BoundEndpoints bound, SelfProbes selfProbes, DrainState drain, TimeProvider time, ILogger<EchoHealthCheck> logger) : IHealthCheck, IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _one = new(1);
    private HealthCheckResult _last;
    private long _lastAt;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (_lastAt == 0 || time.GetElapsedTime(_lastAt) >= Fresh)
            {
                var before = _last.Status;
                _last = await ProbeAllAsync(cancellationToken);
                LogChange(before, isFirst: _lastAt == 0);
                _lastAt = time.GetTimestamp();
            }

            return _last;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    /// <summary>The host need not prove to itself who it is.</summary>
    private static async Task<Stream> EncryptAsync(Stream plain, CancellationToken cancellationToken)
    {
        var stream = new SslStream(plain);
#pragma warning disable CA5359 // Not a client of somebody else's: it asks whether its own listener lives.
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => true }, cancellationToken);
#pragma warning restore CA5359
        return stream;
    }

    private void LogChange(HealthStatus before, bool isFirst)
    {
        // While it drains the host is unready anyhow, and its listeners are about to close.
        if (drain.IsDraining)
        {
            return;
        }

        if (_last.Status == HealthStatus.Unhealthy && (isFirst || before != HealthStatus.Unhealthy))
        {
            LogDead(logger, _last.Description!);
        }
        else if (_last.Status == HealthStatus.Healthy && !isFirst && before != HealthStatus.Healthy)
        {
            LogAlive(logger, _last.Description!);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Unready: {What:l}")]
    private static partial void LogDead(ILogger logger, string what);

    [LoggerMessage(2, LogLevel.Information, "Ready again: {What:l}")]
    private static partial void LogAlive(ILogger logger, string what);

    private async Task<HealthCheckResult> ProbeAllAsync(CancellationToken cancellationToken)
    {
        var probes = settings.Endpoints.Select(async endpoint => (endpoint.Name, Problem: await ProbeAsync(endpoint, cancellationToken)));
        var failed = (await Task.WhenAll(probes)).Where(p => p.Problem is not null).Select(p => $"{p.Name}: {p.Problem}").ToArray();
        return failed.Length == 0
            ? HealthCheckResult.Healthy($"{settings.Endpoints.Count} of {settings.Endpoints.Count} endpoints echo")
            : HealthCheckResult.Unhealthy($"{failed.Length} of {settings.Endpoints.Count} endpoints do not echo: {string.Join("; ", failed)}");
    }

    /// <summary>What is wrong with an endpoint; null when the message came back.</summary>
    private async Task<string?> ProbeAsync(EchoEndpoint endpoint, CancellationToken cancellationToken)
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
