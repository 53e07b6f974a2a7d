namespace EchoHost.Tests.Infrastructure;

internal static class Bytes
{
    /// <summary>Compares every byte; a failure gives the first difference instead of megabytes of output.</summary>
    public static void AssertSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        var same = expected.CommonPrefixLength(actual);
        Assert.True(same == expected.Length && same == actual.Length, $"{expected.Length} bytes expected, {actual.Length} came, the first {same} are the same");
    }
}
