using System.Net;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>
/// A connection's place at the HTTP endpoint, as a feature of the connection. Records its turn: the client's while the host waits
/// for it, the host's while it answers.
/// </summary>
/// <param name="connection">The connection.</param>
/// <param name="isLocal">Whether the client is on this machine.</param>
/// <param name="time">The clock for turns.</param>
internal sealed class HttpPlace(ConnectionContext connection, bool isLocal, TimeProvider time)
{
    /// <summary>
    /// The time that a client needs between connecting and its request, on a bad path or on a machine with every core busy.
    /// </summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The start of the turn, shifted left by one; the lowest bit is 1 for the host's turn. One field, so that both change
    /// at once.
    /// </summary>
    private long _turn = time.GetTimestamp() << 1;

    public ConnectionContext Connection { get; } = connection;

    public bool IsLocal { get; } = isLocal;

    /// <summary>The network whose share the connection counts in. Only the gate sets it.</summary>
    public IPAddress? Network { get; set; }

    /// <summary>
    /// Whether the host is working on a request; otherwise it waits for the client to send one or to read the response.
    /// </summary>
    public bool IsHostsTurn => (Volatile.Read(ref _turn) & 1) != 0;

    /// <summary>
    /// The order of displacement, smallest first: connections on which the host has waited for longer than
    /// <see cref="Moment"/>, then all others; within each group, the longest turn first. A client that has just connected
    /// is about to send its request, and must not be displaced before the clients whose requests keep the host busy.
    /// </summary>
    public (bool IsInTime, long Since) Order
    {
        get
        {
            var turn = Volatile.Read(ref _turn);
            var since = turn >> 1;
            return ((turn & 1) != 0 || time.GetElapsedTime(since) < Moment, since);
        }
    }

    /// <summary>Starts the host's turn: a whole request has arrived.</summary>
    public void HostsTurn() => Volatile.Write(ref _turn, NewHostsTurn());

    /// <summary>Starts the client's turn: the response is complete, or the client has stopped reading it.</summary>
    /// <returns>The turn, for <see cref="EndTurn"/>.</returns>
    public long ClientsTurn()
    {
        var turn = time.GetTimestamp() << 1;
        Volatile.Write(ref _turn, turn);
        return turn;
    }

    /// <summary>Starts the host's turn if <paramref name="turn"/> is still the current one.</summary>
    public void EndTurn(long turn) => Interlocked.CompareExchange(ref _turn, NewHostsTurn(), turn);

    private long NewHostsTurn() => (time.GetTimestamp() << 1) | 1;
}
