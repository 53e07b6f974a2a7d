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
    private const int KindBits = 3;

    /// <summary>
    /// The time that a client needs between connecting and its request, or for the end of its answer, on a bad path or on a machine
    /// with every core busy.
    /// </summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    /// <summary>The same for a client that has stopped reading: all buffers on its path are full, so it is not late by chance.</summary>
    private static readonly TimeSpan BlockedMoment = TimeSpan.FromMilliseconds(100);

    /// <summary>A client that asks again so soon after its answer sends its requests one upon the other.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(100);

    /// <summary>The start of the turn, shifted left, and its kind in the lowest bits: one field, so that both change at once.</summary>
    private long _turn = Turn(Kind.Connected, time.GetTimestamp());

    private enum Kind
    {
        /// <summary>The client has connected, and is to send its first request.</summary>
        Connected,

        /// <summary>The host answers.</summary>
        Asked,

        /// <summary>The host answers a client that has had an answer just before.</summary>
        AskedAtOnce,

        /// <summary>The client is to read its answer, and to send its next request.</summary>
        Answered,

        /// <summary>The client has stopped reading.</summary>
        Blocked,
    }

    public ConnectionContext Connection { get; } = connection;

    public bool IsLocal { get; } = isLocal;

    /// <summary>The network whose share the connection counts in. Only the gate sets it.</summary>
    public IPAddress? Network { get; set; }

    /// <summary>
    /// The order of displacement, smallest first: connections on which the host has waited for longer than <see cref="Moment"/> or
    /// <see cref="BlockedMoment"/>, then those that ask one thing upon the other, then all others; within each group, the longest
    /// turn first. Thus a client that has just connected, and is about to send its request or waits for its first answer, is not
    /// displaced before the clients whose requests keep the host busy.
    /// </summary>
    public (int Group, long Since) Order
    {
        get
        {
            var turn = Volatile.Read(ref _turn);
            var group = KindOf(turn) switch
            {
                Kind.Asked => 2,
                Kind.AskedAtOnce => 1,
                var kind => ElapsedSince(turn) < (kind is Kind.Blocked ? BlockedMoment : Moment) ? 2 : 0,
            };
            return (group, Start(turn));
        }
    }

    /// <summary>Starts the host's turn: a whole request has arrived.</summary>
    public void HostsTurn()
    {
        var before = Volatile.Read(ref _turn);
        var isAtOnce = KindOf(before) is Kind.Answered && ElapsedSince(before) < AtOnce;
        Volatile.Write(ref _turn, TurnFromNow(isAtOnce ? Kind.AskedAtOnce : Kind.Asked));
    }

    /// <summary>Starts the client's turn: the response is complete.</summary>
    public void ClientsTurn() => Volatile.Write(ref _turn, TurnFromNow(Kind.Answered));

    /// <summary>Starts the turn of a client that has stopped reading the response.</summary>
    /// <returns>What to give to <see cref="Unblock"/>.</returns>
    public (long Blocked, long Before) Block()
    {
        var blocked = TurnFromNow(Kind.Blocked);
        return (blocked, Interlocked.Exchange(ref _turn, blocked));
    }

    /// <summary>The client reads again: the turn of before goes on, from now, unless another has begun.</summary>
    public void Unblock((long Blocked, long Before) turns) => Interlocked.CompareExchange(ref _turn, TurnFromNow(KindOf(turns.Before)), turns.Blocked);

    private static long Turn(Kind kind, long start) => (start << KindBits) | (long)kind;

    private static Kind KindOf(long turn) => (Kind)(turn & ((1 << KindBits) - 1));

    private static long Start(long turn) => turn >> KindBits;

    private long TurnFromNow(Kind kind) => Turn(kind, time.GetTimestamp());

    private TimeSpan ElapsedSince(long turn) => time.GetElapsedTime(Start(turn));
}
