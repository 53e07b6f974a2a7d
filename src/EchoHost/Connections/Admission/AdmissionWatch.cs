using System.Collections.Concurrent;
using System.Globalization;

namespace EchoHost.Connections.Admission;

/// <summary>
/// Detects an endpoint that rejects every client for the same reason. The cause is usually the configuration: for example,
/// <c>Echo:TrustedProxies</c> lacks the proxy. Logs the start and the end of such a state once each.
/// </summary>
internal sealed partial class AdmissionWatch(TimeProvider time, ILogger<AdmissionWatch> logger)
{
    /// <summary>How many clients in a row must be rejected, and over how long, before the endpoint counts as failing.</summary>
    public const int Enough = 10;
    public static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(30);

    /// <summary>How long after the last rejection the state is unknown again.</summary>
    public static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, EndpointState> _endpoints = new(StringComparer.Ordinal);

    /// <summary>The endpoints that reject every client, one sentence each.</summary>
    public IReadOnlyList<string> Problems
    {
        get
        {
            List<string> problems = [];
            foreach (var (endpoint, state) in _endpoints)
            {
                lock (state)
                {
                    if (IsTelling(state, time.GetTimestamp()))
                    {
                        var seconds = time.GetElapsedTime(state.Since, state.Last).TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
                        problems.Add($"{endpoint} has let no client in and turned away {state.Count} within {seconds} s: {state.Why}");
                    }
                }
            }

            return problems;
        }
    }

    /// <summary>Records that an endpoint admitted a client.</summary>
    public void LetIn(string endpoint)
    {
        if (!_endpoints.TryGetValue(endpoint, out var state) || Volatile.Read(ref state.Count) == 0)
        {
            return;
        }

        bool wasTold;
        lock (state)
        {
            wasTold = state.IsTold;
            (state.Count, state.IsTold) = (0, false);
        }

        if (wasTold)
        {
            LogLetsIn(endpoint);
        }
    }

    /// <summary>Records that an endpoint rejected a client.</summary>
    /// <param name="endpoint">The endpoint's name.</param>
    /// <param name="reason">A key that identifies the reason.</param>
    /// <param name="why">The reason in words.</param>
    public void Rejected(string endpoint, string reason, string why)
    {
        var state = _endpoints.GetOrAdd(endpoint, static _ => new EndpointState());
        int told;
        lock (state)
        {
            var now = time.GetTimestamp();
            if (state.Count == 0 || state.Reason != reason || time.GetElapsedTime(state.Last, now) >= Forgotten)
            {
                (state.Count, state.Since, state.Reason, state.IsTold) = (0, now, reason, false);
            }

            (state.Last, state.Why) = (now, why);
            state.Count++;
            told = !state.IsTold && IsTelling(state, now) ? state.Count : 0;
            state.IsTold |= told > 0;
        }

        if (told > 0)
        {
            LogLetsNobodyIn(endpoint, told, why);
        }
    }

    private bool IsTelling(EndpointState state, long now) =>
        state.Count >= Enough && time.GetElapsedTime(state.Since, state.Last) >= LongEnough && time.GetElapsedTime(state.Last, now) < Forgotten;

    [LoggerMessage(1, LogLevel.Warning, "Endpoint {Endpoint:l} lets no client in: the last {Clients} clients were all turned away: {Why:l}")]
    private partial void LogLetsNobodyIn(string endpoint, int clients, string why);

    [LoggerMessage(2, LogLevel.Information, "Endpoint {Endpoint:l} lets clients in again")]
    private partial void LogLetsIn(string endpoint);

    private sealed class EndpointState
    {
        public int Count;
        public long Since;
        public long Last;
        public string Reason = "";
        public string Why = "";
        public bool IsTold;
    }
}
