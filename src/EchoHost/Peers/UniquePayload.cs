using System.Buffers.Binary;

namespace EchoHost.Peers;

/// <summary>Creates unique messages, so that a stale echo or that of another message does not compare.</summary>
internal static class UniquePayload
{
    /// <summary>The minimum length of a message that is unique in this process, in bytes. Shorter ones may repeat.</summary>
    public const int MinBytes = 8;

    private static ulong _last = (ulong)Random.Shared.NextInt64();

    /// <summary>A message of random bytes of any value, so that a path that is not 8-bit clean shows.</summary>
    public static byte[] Bytes(int length)
    {
        var payload = new byte[length];
        Random.Shared.NextBytes(payload);
        Span<byte> unique = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(unique, Interlocked.Increment(ref _last));
        unique[..Math.Min(length, unique.Length)].CopyTo(payload);
        return payload;
    }

    /// <summary>A message of letters and digits, which the peer's log can show.</summary>
    public static byte[] Text(int length)
    {
        const string digits = "0123456789abcdefghijklmnopqrstuv";
        var payload = new byte[length];
        var unique = Interlocked.Increment(ref _last);
        for (var i = 0; i < payload.Length; i++)
        {
            payload[i] = (byte)digits[(int)(unique % 32)];
            unique = unique >= 32 ? unique / 32 : (ulong)Random.Shared.NextInt64();
        }

        return payload;
    }
}
