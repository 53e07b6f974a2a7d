namespace EchoHost.Tests.Infrastructure;

internal static class Bytes
{
    /// <summary>Compares every byte, and says where the first differs rather than print megabytes.</summary>
    public static void AssertSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        var same = expected.CommonPrefixLength(actual);
        Assert.True(same == expected.Length && same == actual.Length, $"{expected.Length} bytes expected, {actual.Length} came, the first {same} are the same");
    }
}
