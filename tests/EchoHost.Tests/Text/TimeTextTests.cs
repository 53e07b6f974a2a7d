using System.Globalization;
using EchoHost.Text;

namespace EchoHost.Tests.Text;

public class TimeTextTests
{
    [Theory]
    [InlineData("00:00:00", "0 s")]
    [InlineData("00:00:00.0001", "0.1 ms")]
    [InlineData("00:00:00.5", "500 ms")]
    [InlineData("00:00:01", "1 s")]
    [InlineData("00:00:02.5", "2.5 s")]
    [InlineData("00:00:59.999", "59.999 s")]
    [InlineData("00:01:00", "1 min")]
    [InlineData("00:01:30", "1 min 30 s")]
    [InlineData("00:10:00.25", "10 min 0.25 s")]
    [InlineData("01:00:00", "1 h")]
    [InlineData("2.00:00:05", "48 h 5 s")]
    public void A_chosen_time_is_not_rounded(string time, string text) => Assert.Equal(text, TimeText.Exact(Parse(time)));

    [Theory]
    [InlineData("00:00:00.004", "0.00 s")]
    [InlineData("00:00:50.0249", "50.02 s")]
    [InlineData("00:05:50.026", "350.03 s")]
    public void A_measured_time_has_hundredths(string time, string text) => Assert.Equal(text, TimeText.Measured(Parse(time)));

    [Theory]
    [InlineData("00:00:00.2504", "250 ms")]
    [InlineData("00:00:00.9996", "1.0 s")]
    [InlineData("00:00:03.002", "3.0 s")]
    [InlineData("00:00:59.96", "1 min")]
    [InlineData("00:05:50.026", "5 min 50 s")]
    [InlineData("01:00:00.4", "1 h")]
    public void About_is_rounded(string time, string text) => Assert.Equal(text, TimeText.About(Parse(time)));

    private static TimeSpan Parse(string time) => TimeSpan.Parse(time, CultureInfo.InvariantCulture);
}
