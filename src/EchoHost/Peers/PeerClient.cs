using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Peers;

/// <summary>
/// Connects to peers: resolves the name, connects, sends the PROXY header, does the TLS handshake. Any failure is a
/// <see cref="PeerException"/> with its class.
/// </summary>
/// <param name="connections">The transport.</param>
/// <param name="resolver">Resolves names.</param>
/// <param name="link">How to make connections.</param>
/// <param name="time">The clock for measured times.</param>
internal sealed class PeerClient(IConnectionFactory connections, INameResolver resolver, PeerLink link, TimeProvider time)
{
    /// <summary>If resolving took more than this share of the limit, a connect timeout mentions it.</summary>
    private const double LongResolve = 0.5;

    /// <summary>
    /// Exchanges messages with this process first, so that the first peer's times don't include loading and compiling code;
    /// see <see cref="Warmup"/>.
    /// </summary>
    /// <param name="target">The peer that the real messages are for.</param>
    /// <param name="stop">Ends the warm-up at once. That is no failure: nothing depends on it.</param>
    /// <param name="act">Further code to warm up.</param>
    public Task WarmUpAsync(PeerTarget target, CancellationToken stop, Func<PeerClient, PeerTarget, Task>? act = null) =>
        Warmup.RunAsync(connections, resolver, target, stop, act);

    /// <summary>The same for questions to a <c>Who</c> endpoint: the echo in this process returns an answer.</summary>
    /// <param name="target">The endpoint.</param>
    /// <param name="stop">Ends the warm-up at once.</param>
    public Task WarmUpWhoAsync(PeerTarget target, CancellationToken stop) => WarmUpAsync(target, stop, async (self, echo) =>
    {
        using var limit = new TimeLimit(Warmup.Limit, time, stop);
        await using var connection = await self.ConnectAsync(echo, limit);
        await connection.Output.WriteAsync("{\"instance\":\"warm-up\"}\n"u8.ToArray(), stop);
        WhoReply.Parse((await connection.ReadLineAsync(limit)).Line).ToJson();
    });

    /// <summary>Connects to a peer.</summary>
    /// <param name="target">The peer.</param>
    /// <param name="limit">The time limit for all phases together.</param>
    /// <exception cref="PeerException">The connection could not be made.</exception>
    /// <exception cref="OperationCanceledException">The limit's token was canceled.</exception>
    public async Task<PeerConnection> ConnectAsync(PeerTarget target, TimeLimit limit)
    {
        var start = time.GetTimestamp();
        var known = target.KnownEndPoint;
        var addresses = known is null
            ? await limit.RunAsync(token => ResolveAsync(target.Host, token), () => $"{target.Host} was not resolved")
            : [];
        var resolve = time.GetElapsedTime(start);
        string NotAccepted() => resolve > LongResolve * limit.Total
            ? $"resolving {target.Host} took {ConnectionProgress.Text(resolve)}, and no connection was accepted"
            : "no connection was accepted";
        List<(IPAddress Address, PeerException Failure)> passed = [];
        var (connection, connect) = await limit.RunAsync(
            token => known is null ? ConnectToAnyAsync(target, addresses, passed, NotAccepted, limit) : ConnectToAsync(known, token),
            NotAccepted);
        var opened = time.GetTimestamp();
        var phases = new PhaseTimes(known is null ? resolve : null, connect, Proxy: null, Tls: null);
        try
        {
            await limit.RunAsync(token => SendHeaderAsync(connection, opened, token), () => "connected, but the PROXY header was not taken");
            phases = phases with { Proxy = link.Proxy is null ? null : time.GetElapsedTime(opened) };
            start = time.GetTimestamp();
            var wasCertificateWanted = false;
            var tls = target.IsTls
                ? await limit.RunAsync(
                    token => EncryptAsync(connection, target.Host, opened, () => wasCertificateWanted = true, token),
                    () => "connected, but the TLS handshake was not done")
                : null;
            phases = phases with { Tls = tls is null ? null : time.GetElapsedTime(start) };
            return new PeerConnection(connection, tls, phases, opened, passed, time, wasCertificateWanted || tls is { IsMutuallyAuthenticated: true });
        }
        catch (Exception e)
        {
            if (e is PeerException failure)
            {
                (failure.Address, failure.Phases) = (connection.RemoteEndPoint, phases);
            }

            connection.Abort();
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connects, sends one unique message, and compares the echo with it.</summary>
    /// <param name="target">The peer.</param>
    /// <param name="payloadBytes">The length of the message in bytes.</param>
    /// <param name="limit">The time limit for the whole probe.</param>
    /// <returns>The result; a failure is a result too, not an exception.</returns>
    /// <exception cref="OperationCanceledException">The limit's token was canceled.</exception>
    public async Task<Probe> ProbeAsync(PeerTarget target, int payloadBytes, TimeLimit limit)
    {
        PeerConnection? connection = null;
        try
        {
            connection = await ConnectAsync(target, limit);
            var echo = await connection.EchoAsync(UniquePayload.Text(payloadBytes), limit);
            return Probe.Answered(echo.RoundTrip) with { Phases = connection.Phases, Retransmits = connection.ReadRetransmits() };
        }
        catch (PeerException e)
        {
            return Probe.Failed(e) with { Phases = connection?.Phases ?? e.Phases, Retransmits = connection?.ReadRetransmits() ?? 0 };
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }
    }

    /// <summary>Connects to a <c>Who</c> endpoint and reads its answer.</summary>
    /// <param name="target">The peer.</param>
    /// <param name="limit">The time limit for the whole visit.</param>
    /// <param name="onConnected">Called when the connection is made.</param>
    /// <exception cref="PeerException">The connection could not be made, or the answer is not a <c>Who</c> endpoint's.</exception>
    /// <exception cref="OperationCanceledException">The limit's token was canceled.</exception>
    public async Task<WhoVisit> VisitAsync(PeerTarget target, TimeLimit limit, Action<PeerConnection>? onConnected = null)
    {
        await using var connection = await ConnectAsync(target, limit);
        onConnected?.Invoke(connection);
        var local = connection.LocalEndPoint;
        var (line, took) = await connection.ReadLineAsync(limit);
        return new WhoVisit(WhoReply.Parse(line), connection, local, took);
    }

    /// <summary>Asks a <c>Who</c> endpoint. A failure is a result, not an exception.</summary>
    /// <param name="target">The peer.</param>
    /// <param name="limit">The time limit for the whole probe.</param>
    /// <exception cref="OperationCanceledException">The limit's token was canceled.</exception>
    public async Task<Probe> ProbeWhoAsync(PeerTarget target, TimeLimit limit)
    {
        try
        {
            return Probe.Answered((await VisitAsync(target, limit)).Took);
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

    /// <summary>
    /// Tries the addresses one after another, each within its share of the time, until one accepts. Adds the addresses that
    /// failed to <paramref name="passed"/>.
    /// </summary>
    private async Task<(ConnectionContext Connection, TimeSpan Took)> ConnectToAnyAsync(
        PeerTarget target,
        IPAddress[] addresses,
        List<(IPAddress Address, PeerException Failure)> passed,
        Func<string> missing,
        TimeLimit limit)
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
        var message = string.Join("; ", passed.Select(failed => $"{failed.Address}: {failed.Failure.Message}"));
        throw new PeerException(last.Result, message, last)
        {
            IsTurnedAway = passed.TrueForAll(failed => failed.Failure.IsTurnedAway),
        };
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
        ConnectionContext connection,
        string host,
        long opened,
        Action onCertificateWanted,
        CancellationToken cancellationToken)
    {
        var pipe = new PipeStream(connection.Transport);
        var stream = new SslStream(pipe);
        string? fault = null;
        try
        {
            var options = (link.Tls ?? PeerTls.System).OptionsFor(host, why => fault = why, onCertificateWanted);
            await stream.AuthenticateAsClientAsync(options, cancellationToken);
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
