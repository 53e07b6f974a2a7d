using System.Net;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Net.Sockets;
using EchoHost.Peers.Mesh;

namespace EchoHost.Peers.Fleet;

/// <summary>
/// Asks other hosts for their <c>/peers</c>. An answer is data: it must come within a time and be of a bounded size and of the right
/// form, and nothing in it makes this host ask elsewhere.
/// </summary>
internal sealed class PeerViewClient : IDisposable
{
    /// <summary>The maximum length of an answer in bytes: that of some 3,000 peers.</summary>
    public const int MaxBytes = 1024 * 1024;

    private const int FirstBytes = 16 * 1024;

    private static readonly HttpRequestOptionsKey<IPAddress[]> Addresses = new("addresses");

    /// <summary>Cancels the call. The handler's own token would let an attempt to connect go on for seconds after it.</summary>
    private static readonly HttpRequestOptionsKey<CancellationToken> Call = new("call");

    private readonly HttpClient _http;
    private readonly INameResolver _resolver;
    private readonly MeshOptions _options;
    private readonly TimeProvider _time;

    public PeerViewClient(INameResolver resolver, MeshOptions options, TimeProvider time)
    {
        _resolver = resolver;
        _options = options;
        _time = time;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectCallback = ConnectAsync,
            // One call a host and interval: a connection kept for each would take a descriptor on both sides. The header alone
            // would keep the connection if the other side ignores it.
            PooledConnectionLifetime = TimeSpan.Zero,
            // An answer that is given up is not read to its end.
            MaxResponseDrainSize = 0,
        };
        // The limits are this class's own.
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Asks a host.</summary>
    /// <param name="target">A peer; its HTTP endpoint is at the same host.</param>
    /// <param name="isOwn">Whether an address is this host's own: it is not asked.</param>
    /// <param name="stop">Cancels the call.</param>
    /// <returns>Its view; null if the target's name has only addresses of this host.</returns>
    /// <exception cref="PeerException">It gave none; the message says why, in one line.</exception>
    public async Task<PeerView?> AskAsync(PeerTarget target, Predicate<IPAddress> isOwn, CancellationToken stop)
    {
        using var limit = new TimeLimit(_options.Timeout, _time, stop);
        // Not by HttpClient, which would have a silent name server hold threads of the pool.
        var addresses = target.KnownEndPoint is IPEndPoint known
            ? [known.Address]
            : await limit.RunAsync(token => ResolveAsync(target.Host, token), () => $"{target.Host} was not resolved");
        if (Array.TrueForAll(addresses, isOwn))
        {
            return null;
        }

        var body = await limit.RunAsync(token => GetAsync(UrlOf(target), addresses, token), () => "no answer");
        return PeerView.Parse(body.Span);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Where a peer's view is. The host of the URL becomes the header <c>Host</c>.</summary>
    internal Uri UrlOf(PeerTarget target)
    {
        var host = (target.EndPoint as IPEndPoint)?.Address.ToString() ?? target.Host;
        return new UriBuilder(Uri.UriSchemeHttp, host.Contains(':') ? $"[{host}]" : host, _options.HttpPort!.Value, "/peers").Uri;
    }

    private async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var found = await _resolver.ResolveAsync(name, cancellationToken).WaitAsync(cancellationToken);
            return found.Length > 0 ? found : throw new SocketException((int)SocketError.NoData);
        }
        catch (SocketException e)
        {
            throw PeerException.OfResolving(name, e);
        }
    }

    private async Task<ReadOnlyMemory<byte>> GetAsync(Uri url, IPAddress[] addresses, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Options.Set(Addresses, addresses);
        request.Options.Set(Call, cancellationToken);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(MediaTypeNames.Application.Json));
        request.Headers.ConnectionClose = true;
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw new PeerException(ProbeResult.Mismatch, $"status {(int)response.StatusCode}");
            }

            var type = response.Content.Headers.ContentType?.MediaType;
            if (!MediaTypeNames.Application.Json.Equals(type, StringComparison.OrdinalIgnoreCase))
            {
                throw new PeerException(ProbeResult.Mismatch, "the answer is not JSON");
            }

            return response.Content.Headers.ContentLength > MaxBytes ? throw TooLong() : await ReadAsync(response.Content, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException && !cancellationToken.IsCancellationRequested)
        {
            throw Of(e);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        await using var body = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[content.Headers.ContentLength + 1 ?? FirstBytes];
        var length = 0;
        while (await body.ReadAsync(buffer.AsMemory(length), cancellationToken) is > 0 and var read)
        {
            length += read;
            if (length > MaxBytes)
            {
                throw TooLong();
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, Math.Min(2 * length, MaxBytes + 1));
            }
        }

        return buffer.AsMemory(0, length);
    }

    /// <summary>Connects to the first of the addresses that accepts.</summary>
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        context.InitialRequestMessage.Options.TryGetValue(Addresses, out var addresses);
        context.InitialRequestMessage.Options.TryGetValue(Call, out var call);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call, cancellationToken);
        for (var i = 0; ; i++)
        {
            var socket = new Socket(addresses![i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(addresses[i], context.DnsEndPoint.Port, either.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e)
            {
                socket.Dispose();
                if (e is not SocketException || i == addresses.Length - 1)
                {
                    throw;
                }
            }
        }
    }

    private static PeerException TooLong() => new(ProbeResult.Mismatch, "the answer has more than 1 MiB");

    private static PeerException Of(Exception e)
    {
        for (var cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
            {
                return ProbeResults.Of(socket.SocketErrorCode) == ProbeResult.Reset
                    ? new PeerException(ProbeResult.Reset, "reset by the peer before the whole answer had come", e)
                    : PeerException.OfConnecting(socket, source: null);
            }
        }

        var error = e switch
        {
            HttpRequestException request => request.HttpRequestError,
            HttpIOException io => io.HttpRequestError,
            _ => HttpRequestError.Unknown,
        };
        return error switch
        {
            HttpRequestError.ResponseEnded => new PeerException(ProbeResult.Closed, "closed by the peer before the whole answer had come", e),
            HttpRequestError.InvalidResponse => new PeerException(ProbeResult.Mismatch, "the answer is not HTTP", e),
            HttpRequestError.ConfigurationLimitExceeded => new PeerException(ProbeResult.Mismatch, "the answer's headers are too long", e),
            _ => new PeerException(ProbeResult.Closed, "the connection failed before the whole answer had come", e),
        };
    }
}
