using System.Buffers.Binary;

namespace EchoHost.Peers;

/// <summary>Messages of which no two are alike, so that an answer that is stale, or somebody else's, is noticed.</summary>
internal static class UniquePayload
{
    /// <summary>A message this long or longer is like no other of this process; shorter ones may meet again.</summary>
    public const int MinBytes = 8;

    private static ulong _last = (ulong)Random.Shared.NextInt64();

    /// <summary>Any bytes at all, so that a path which is not clean for some of them shows it.</summary>
    public static byte[] Bytes(int length)
    {
        var payload = new byte[length];
        Random.Shared.NextBytes(payload);
        Span<byte> unique = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(unique, Interlocked.Increment(ref _last));
        unique[..Math.Min(length, unique.Length)].CopyTo(payload);
        return payload;
    }

    /// <summary>Letters and digits, which the log of the other side can show.</summary>
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
