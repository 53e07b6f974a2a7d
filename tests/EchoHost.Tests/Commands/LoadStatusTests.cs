using EchoHost.Commands;

namespace EchoHost.Tests.Commands;

public class LoadStatusTests
{
    private static readonly LoadStatus Busy = new(50, 228_606, 104.4, 4_050, 0);

    [Theory]
    [InlineData(200, "50 connections, 228,606 messages/s, p50 104 µs, p99 4.1 ms, 0 errors")]
    [InlineData(80, "228,606 messages/s, p50 104 µs, p99 4.1 ms, 0 errors")]
    [InlineData(50, "228,606/s, p99 4.1 ms, 0 errors")]
    [InlineData(40, "229k/s, p99 4.1 ms, 0 errors")]
    public void As_much_is_said_as_there_is_room_for(int width, string text) => Assert.Equal(text, Busy.Text(width));

    [Fact]
    public void Forty_columns_are_enough_for_anything()
    {
        double[] figures = [0, 1, 999.9, 9_999, 123_456, 9_999_999, 123_456_789, 999_999_999];
        foreach (var (figure, width) in figures.SelectMany(figure => Enumerable.Range(LoadStatus.MinWidth, 200).Select(width => (figure, width))))
        {
            var text = new LoadStatus((long)figure, figure, figure, figure, (long)figure).Text(width);
            Assert.True(LoadStatus.BarWidth(width) + 1 + text.Length < width, $"{width}: {text}");
            Assert.EndsWith(" errors", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(20)]
    public void Where_there_is_no_room_nothing_breaks(int width) => Assert.True(Busy.Text(width).Length <= width);
}
