using System.Net;

namespace EchoHost.Commands;

/// <summary>A message that was sent, or that failed.</summary>
/// <param name="Sequence">Its number, from 1.</param>
/// <param name="At">The start time, before connecting if the message needed a connection.</param>
/// <param name="Bytes">The bytes to be echoed.</param>
/// <param name="Address">The peer's address; null if no address accepted.</param>
internal readonly record struct SendMessage(int Sequence, DateTimeOffset At, ReadOnlyMemory<byte> Bytes, EndPoint? Address);
