using EchoHost.Configuration;

namespace EchoHost.Tests.Configuration;

public class DurationTests
{
    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("10s", 10)]
    [InlineData("1.5s", 1.5)]
    [InlineData(".5s", 0.5)]
    [InlineData("2m", 120)]
    [InlineData("1h", 3600)]
    [InlineData("100us", 0.0001)]
    [InlineData("33us", 0.000033)]
    [InlineData("10S", 10)]
    [InlineData("500MS", 0.5)]
    [InlineData("0ms", 0)]
    [InlineData("00:00:10", 10)]
    [InlineData("00:00:00.250", 0.25)]
    [InlineData("1.00:00:00", 86_400)]
    public void Times_are_as_people_type_them(string text, double seconds)
    {
        Assert.True(Duration.TryParse(text, out var time));
        Assert.Equal((long)Math.Round(seconds * TimeSpan.TicksPerSecond), time.Ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("3")]
    [InlineData("0.25")]
    [InlineData("s")]
    [InlineData("ms")]
    [InlineData("fast")]
    [InlineData("10x")]
    [InlineData("10d")]
    [InlineData("10 s")]
    [InlineData(" 10s")]
    [InlineData("10s ")]
    [InlineData("-1s")]
    [InlineData("+1s")]
    [InlineData("1,5s")]
    [InlineData("1,000s")]
    [InlineData("1e3s")]
    [InlineData("1.2.3s")]
    [InlineData("10s5ms")]
    [InlineData("NaN")]
    [InlineData("NaNs")]
    [InlineData("Infinity")]
    [InlineData("Infinityh")]
    [InlineData("-Infinity")]
    [InlineData("∞s")]
    [InlineData("99999999999999999999")]
    [InlineData("9999999999999999h")]
    [InlineData("00:00:60")]
    [InlineData("25:00:00")]
    [InlineData(":")]
    [InlineData("00:00:10s")]
    [InlineData("1\0us")]
    public void What_is_no_time_is_refused(string text) => Assert.False(Duration.TryParse(text, out _));
}
