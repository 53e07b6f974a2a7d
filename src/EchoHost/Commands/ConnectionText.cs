using System.Globalization;
using EchoHost.Peers;

namespace EchoHost.Commands;

/// <summary>What the commands print about a connection.</summary>
internal static class ConnectionText
{
    /// <summary>
    /// The address of a name that was used and those that did not accept, and how long each phase of connecting took.
    /// </summary>
    public static string Of(PeerTarget target, PeerConnection connection)
    {
        var phases = connection.Phases;
        var at = target.KnownEndPoint is null ? $" at {connection.RemoteEndPoint}" : "";
        var passed = string.Concat(connection.Passed.Select(passed =>
            $"; {passed.Address} did not accept: {passed.Failure.Result.Label()}: {passed.Failure.Message}"));
        var resolve = phases.Resolve is { } resolving ? $" resolve {Milliseconds(resolving)} ms," : "";
        var proxy = phases.Proxy is { } sending ? $", PROXY {Milliseconds(sending)} ms" : "";
        var tls = phases.Tls is { } agreeing ? $", TLS {Milliseconds(agreeing)} ms ({connection.Tls})" : "";
        return $"Connected to {target.Name}{at}:{resolve} connect {Milliseconds(phases.Connect)} ms{proxy}{tls}{passed}";
    }

    /// <summary>
    /// The addresses of a name that were used by many connections, and those that did not accept; null for a target that has
    /// one address alone.
    /// </summary>
    public static string? Of(PeerTarget target, ConnectionTally tally)
    {
        var used = tally.Addresses.ToArray();
        if (target.KnownEndPoint is not null || used.Length == 0)
        {
            return null;
        }

        var addresses = used.Select(address =>
            used.Length == 1 ? $"{address.Key}" : $"{address.Key} ({Counted(address.Value, "connection")})");
        return $"at {string.Join(", ", addresses)}{string.Concat(tally.Passed.Select(passed => $"; {passed.Key} did not accept: {passed.Value}"))}";
    }

    /// <summary>The errors of many connections by class, and the first of them in words.</summary>
    public static string ErrorsOf(ConnectionTally tally)
    {
        if (tally.Errors == 0)
        {
            return "no errors";
        }

        var classes = tally.ErrorsByClass.Select(error => $"{error.Key.Label()} {error.Value}");
        return $"{Counted(tally.Errors, "error")} ({string.Join(", ", classes)}), the first: {tally.FirstError}";
    }

    public static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.000", CultureInfo.InvariantCulture);

    public static string Counted(long count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {what}{(count == 1 ? "" : "s")}");
}
