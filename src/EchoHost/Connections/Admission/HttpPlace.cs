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

    /// <summary>The time within which a client that asks again is one that keeps the host busy, and one that reads goes on reading.</summary>
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(100);

    /// <summary>The start of the turn, shifted left, and its kind in the lowest bits: one field, so that both change at once.</summary>
    private long _turn = Turn(Kind.Connected, time.GetTimestamp());

    private enum Kind
    {
        /// <summary>The client has connected, and is to send its first request.</summary>
        Connected,

        /// <summary>The host answers.</summary>
        Asked,

        /// <summary>The client is to read its answer, and to send its next request.</summary>
        Answered,

        /// <summary>The host answers a client that has asked again within an <see cref="Instant"/> of its last answer.</summary>
        AskedAgain,

        /// <summary>The client has its answer to what it asked again.</summary>
        AnsweredAgain,

        /// <summary>The client does not read: all buffers up to it are full.</summary>
        Blocked,
    }

    public ConnectionContext Connection { get; } = connection;

    public bool IsLocal { get; } = isLocal;

    /// <summary>The network whose share the connection counts in. Only the gate sets it.</summary>
    public IPAddress? Network { get; set; }

    /// <summary>
    /// The order of displacement, smallest first: connections on which the host has waited for longer than <see cref="Moment"/>,
    /// then those of clients that ask again and again, or have not read for an <see cref="Instant"/>, then all others; within each
    /// group, the longest turn first. Thus a client that has just connected, and is about to send its request or waits for its first
    /// answer, is not displaced before the clients whose requests keep the host busy.
    /// </summary>
    public (int Group, long Since) Order
    {
        get
        {
            var turn = Volatile.Read(ref _turn);
            var elapsed = ElapsedSince(turn);
            var group = KindOf(turn) switch
            {
                Kind.Asked => 2,
                Kind.AskedAgain => 1,
                _ when elapsed >= Moment => 0,
                Kind.AnsweredAgain => 1,
                Kind.Blocked when elapsed >= Instant => 1,
                _ => 2,
            };
            return (group, Start(turn));
        }
    }

    /// <summary>Starts the host's turn: a whole request has arrived.</summary>
    public void HostsTurn()
    {
        var before = Volatile.Read(ref _turn);
        var isAgain = KindOf(before) is Kind.Answered or Kind.AnsweredAgain && ElapsedSince(before) < Instant;
        Volatile.Write(ref _turn, TurnFromNow(isAgain ? Kind.AskedAgain : Kind.Asked));
    }

    /// <summary>Starts the client's turn: the response is complete.</summary>
    public void ClientsTurn()
    {
        var isAgain = KindOf(Volatile.Read(ref _turn)) is Kind.AskedAgain;
        Volatile.Write(ref _turn, TurnFromNow(isAgain ? Kind.AnsweredAgain : Kind.Answered));
    }

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
