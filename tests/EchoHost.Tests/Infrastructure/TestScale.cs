namespace EchoHost.Tests.Infrastructure;

/// <summary>The duration of torture tests: short by default, full length if ECHOHOST_TEST_SCALE is <c>full</c>.</summary>
internal static class TestScale
{
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("ECHOHOST_TEST_SCALE") == "full";

    public static int Of(int brief, int full) => IsFull ? full : brief;
}
