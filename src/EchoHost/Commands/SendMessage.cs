using System.Net;

namespace EchoHost.Commands;

/// <summary>A message that was tried.</summary>
/// <param name="Sequence">Which one it is, from 1.</param>
/// <param name="At">When it was begun, which may have been with connecting.</param>
/// <param name="Bytes">What is to come back.</param>
/// <param name="Address">The address that it was sent to; null where none accepted.</param>
internal readonly record struct SendMessage(int Sequence, DateTimeOffset At, ReadOnlyMemory<byte> Bytes, EndPoint? Address);
