using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Peers;

/// <summary>
/// Connects to peers: finds the address, connects, sends the PROXY header, agrees on TLS. Any failure is a
/// <see cref="PeerException"/> of one class.
/// </summary>
/// <param name="connections">The transport.</param>
/// <param name="resolver">Finds addresses.</param>
/// <param name="link">How connections are made.</param>
/// <param name="time">What the time limits and the times go by.</param>
internal sealed class PeerClient(IConnectionFactory connections, INameResolver resolver, PeerLink link, TimeProvider time)
{
    /// <summary>Resolving that takes this share of the time is told of where the rest did not suffice.</summary>
    private const double LongResolve = 0.5;

    /// <summary>Does the same with this process itself first, so that the first peer's time is not that of compiling; see <see cref="Warmup"/>.</summary>
    /// <param name="target">Which peer the real messages are for.</param>
    /// <param name="stop">Ends it at once, which is no failure: nothing depends on it.</param>
    /// <param name="act">What else to warm up.</param>
    public Task WarmUpAsync(PeerTarget target, CancellationToken stop, Func<PeerClient, PeerTarget, Task>? act = null) => Warmup.RunAsync(connections, resolver, target, stop, act);

    /// <summary>Connects.</summary>
    /// <param name="target">The peer.</param>
    /// <param name="limit">Within which everything together must be done.</param>
    /// <exception cref="PeerException">The peer could not be connected to.</exception>
    /// <exception cref="OperationCanceledException">The limit was told to stop.</exception>
    public async Task<PeerConnection> ConnectAsync(PeerTarget target, TimeLimit limit)
    {
        var (start, known) = (time.GetTimestamp(), target.KnownEndPoint);
        var addresses = known is null ? await limit.RunAsync(token => ResolveAsync(target.Host, token), () => $"{target.Host} was not resolved") : [];
        var resolve = time.GetElapsedTime(start);
        string NotAccepted() => resolve > LongResolve * limit.Total ? $"resolving {target.Host} took {ConnectionProgress.Text(resolve)}, and no connection was accepted" : "no connection was accepted";
        List<(IPAddress Address, PeerException Failure)> passed = [];
        var (connection, connect) = await limit.RunAsync(
            token => known is null ? ConnectToAnyAsync(target, addresses, passed, NotAccepted, limit) : ConnectToAsync(known, token), NotAccepted);
        var opened = time.GetTimestamp();
        try
        {
            await limit.RunAsync(token => SendHeaderAsync(connection, opened, token), () => "connected, but the PROXY header was not taken");
            start = time.GetTimestamp();
            var wasCertificateWanted = false;
            var tls = target.IsTls
                ? await limit.RunAsync(
                    token => EncryptAsync(connection, target.Host, opened, () => wasCertificateWanted = true, token),
                    () => "connected, but the TLS handshake was not done")
                : null;
            var phases = new PhaseTimes(resolve, connect, tls is null ? default : time.GetElapsedTime(start));
            return new PeerConnection(connection, tls, phases, opened, passed, time, wasCertificateWanted || tls is { IsMutuallyAuthenticated: true });
        }
        catch
        {
            connection.Abort();
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connects, sends one message that is like no other, and compares what comes back.</summary>
    /// <param name="target">The peer.</param>
    /// <param name="payloadBytes">How long the message is.</param>
    /// <param name="limit">Within which it all must be done.</param>
    /// <returns>What came of it: a failure is no exception here.</returns>
    /// <exception cref="OperationCanceledException">The limit was told to stop.</exception>
    public async Task<Probe> ProbeAsync(PeerTarget target, int payloadBytes, TimeLimit limit)
    {
        try
        {
            await using var connection = await ConnectAsync(target, limit);
            return Probe.Answered(await connection.EchoAsync(UniquePayload.Text(payloadBytes), limit));
        }
        catch (PeerException e)
        {
            return Probe.Failed(e);
        }
    }

    private async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var found = await resolver.ResolveAsync(name, cancellationToken);
            return found.Length > 0 ? found : throw new SocketException((int)SocketError.NoData);
        }
        catch (SocketException e)
        {
            throw PeerException.OfResolving(name, e);
        }
    }

    private async Task<(ConnectionContext Connection, TimeSpan Took)> ConnectToAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        try
        {
            return (await connections.ConnectAsync(endPoint, cancellationToken), time.GetElapsedTime(start));
        }
        catch (SocketException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw PeerException.OfConnecting(e, link.Source);
        }
    }

    /// <summary>Tries the addresses one after the other, each within its share of the time, until one accepts; those before it are added to <paramref name="passed"/>.</summary>
    private async Task<(ConnectionContext Connection, TimeSpan Took)> ConnectToAnyAsync(
        PeerTarget target, IPAddress[] addresses, List<(IPAddress Address, PeerException Failure)> passed, Func<string> missing, TimeLimit limit)
    {
        foreach (var address in addresses)
        {
            using var share = limit.Share(addresses.Length - passed.Count);
            try
            {
                return await share.RunAsync(token => ConnectToAsync(new IPEndPoint(address, target.Port), token), missing);
            }
            catch (PeerException e)
            {
                passed.Add((address, e));
            }
        }

        resolver.Forget(target.Host);
        var last = passed[^1].Failure;
        throw new PeerException(last.Result, string.Join("; ", passed.Select(failed => $"{failed.Address}: {failed.Failure.Message}")), last) { IsTurnedAway = passed.TrueForAll(failed => failed.Failure.IsTurnedAway) };
    }

    private async Task<FlushResult> SendHeaderAsync(ConnectionContext connection, long opened, CancellationToken cancellationToken)
    {
        if (link.Proxy is not { } proxy)
        {
            return default;
        }

        try
        {
            var header = proxy.For((IPEndPoint)connection.LocalEndPoint!, (IPEndPoint)connection.RemoteEndPoint!);
            return await connection.Transport.Output.WriteAsync(header, cancellationToken);
        }
        catch (Exception e) when (PeerException.IsConnectionFailure(e))
        {
            throw PeerException.OfConnection(e, new ConnectionProgress(0, 0, 0, time.GetElapsedTime(opened)));
        }
    }

    private async Task<SslStream> EncryptAsync(
        ConnectionContext connection, string host, long opened, Action onCertificateWanted, CancellationToken cancellationToken)
    {
        var pipe = new PipeStream(connection.Transport);
        var stream = new SslStream(pipe);
        string? fault = null;
        try
        {
            await stream.AuthenticateAsClientAsync((link.Tls ?? PeerTls.System).OptionsFor(host, why => fault = why, onCertificateWanted), cancellationToken);
            return stream;
        }
        catch (Exception e)
        {
            await stream.DisposeAsync();
            if (PeerException.IsConnectionFailure(e) && !cancellationToken.IsCancellationRequested)
            {
                throw PeerException.OfHandshake(e, pipe, fault, time.GetElapsedTime(opened));
            }

            throw;
        }
    }
}
