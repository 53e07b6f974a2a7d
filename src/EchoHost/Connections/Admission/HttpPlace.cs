using System.Net;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Admission;

/// <summary>A connection's place at the HTTP endpoint, and whose turn it is: a feature of the connection.</summary>
/// <param name="connection">The connection.</param>
/// <param name="isLocal">Whether it comes from this machine.</param>
/// <param name="time">What turns are measured by.</param>
internal sealed class HttpPlace(ConnectionContext connection, bool isLocal, TimeProvider time)
{
    /// <summary>What a client needs between connecting and asking, on a bad path or where every core is busy.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    /// <summary>The turn's beginning, and in the lowest bit whether it is the host's; together, so that they change at once.</summary>
    private long _turn = time.GetTimestamp() << 1;

    public ConnectionContext Connection { get; } = connection;

    public bool IsLocal { get; } = isLocal;

    /// <summary>The network in whose share it is counted; the gate's to set.</summary>
    public IPAddress? Network { get; set; }

    /// <summary>Whether the host has something to do for it; else it waits for the client to ask, or to take what it is sent.</summary>
    public bool IsHostsTurn => (Volatile.Read(ref _turn) & 1) != 0;

    /// <summary>
    /// The smaller, the sooner it gives way: first those that the host has waited for longer than a moment, then all others,
    /// of either the one whose turn has lasted the longest. A client that has just connected is about to ask, and must not go
    /// before those whose questions keep the host busy.
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

    /// <summary>A whole request is there: it is the host's turn.</summary>
    public void HostsTurn() => Volatile.Write(ref _turn, NewHostsTurn());

    /// <summary>The answer is made, or the client takes no more of it: it is the client's turn.</summary>
    /// <returns>Which turn that is, for <see cref="EndTurn"/>.</returns>
    public long ClientsTurn()
    {
        var turn = time.GetTimestamp() << 1;
        Volatile.Write(ref _turn, turn);
        return turn;
    }

    /// <summary>The same as <see cref="HostsTurn"/>, unless another turn has come meanwhile.</summary>
    public void EndTurn(long turn) => Interlocked.CompareExchange(ref _turn, NewHostsTurn(), turn);

    private long NewHostsTurn() => (time.GetTimestamp() << 1) | 1;
}
