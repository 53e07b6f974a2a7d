using System.Buffers;
using System.Text.Json;
using EchoHost.Http.Live;
using EchoHost.Metrics;

namespace EchoHost.Tests.Http.Live;

public class ActivityHistoryTests
{
    private static readonly DateTimeOffset End = new(2026, 11, 26, 10, 0, 0, TimeSpan.Zero);

    private readonly ActivityHistory _history = new();

    [Fact]
    public void The_first_moment_is_what_the_first_second_counts_from()
    {
        Assert.Equal(0, Add(0, messages: 7));
        Assert.Equal("[]", All("messages"));
    }

    [Fact]
    public void Each_second_has_what_happened_in_it()
    {
        Add(0, messages: 7);
        Add(1, connections: 3, messages: 9, received: 20, sent: 10);
        Add(2, connections: 2, messages: 9, received: 20, sent: 20);
        Assert.Equal("[3,2]", All("connections"));
        Assert.Equal("[2,0]", All("messages"));
        Assert.Equal("[20,0]", All("received"));
        Assert.Equal("[10,10]", All("sent"));
    }

    [Fact]
    public void A_timer_that_is_not_exact_changes_no_figure()
    {
        Add(0);
        Add(1.04, messages: 100);
        Add(1.97, messages: 200);
        Assert.Equal("[100,100]", All("messages"));
    }

    [Fact]
    public void A_second_is_added_once()
    {
        Add(0);
        Add(1, messages: 1);
        Assert.Equal(0, Add(1.3, messages: 2));
        Add(2, messages: 3);
        Assert.Equal("[1,2]", All("messages"));
    }

    [Fact]
    public void What_happened_in_a_pause_is_spread_over_it()
    {
        Add(0);
        Add(1, messages: 10);
        Assert.Equal(4, Add(5, messages: 31, connections: 2));
        Assert.Equal("[10,5,5,5,6]", All("messages"));
        Assert.Equal("[0,2,2,2,2]", All("connections"));
        Assert.Equal("[5,5,5,6]", $"[{string.Join(',', new[] { 3, 2, 1, 0 }.Select(ago => One(ago).GetProperty("messages").GetInt64()))}]");
        Assert.Equal("2026-11-26T09:59:57Z", One(3).GetProperty("time").GetString());
    }

    [Fact]
    public void It_keeps_ten_minutes()
    {
        for (var second = 0; second <= 700; second++)
        {
            Add(second, connections: second);
        }

        Assert.Equal($"[{string.Join(',', Enumerable.Range(101, 600))}]", All("connections"));
    }

    [Fact]
    public void A_pause_longer_than_what_is_kept_fills_it()
    {
        Add(0);
        Add(1, messages: 1);
        Assert.Equal(600, Add(1_000_000, messages: 601));
        Assert.Equal($"[{string.Join(',', Enumerable.Repeat(1, 600))}]", All("messages"));
    }

    [Fact]
    public void Reasons_without_a_rejection_are_left_out()
    {
        Add(0);
        Add(1, tlsRejections: 2);
        Add(2, tlsRejections: 2);
        Assert.Equal("""{"tls":[2,0]}""", All("rejected"));
        Assert.Equal("{}", One(ago: 0).GetProperty("rejected").GetRawText());
    }

    [Fact]
    public void The_last_second_has_the_same_figures()
    {
        Add(0);
        Add(1, connections: 1, messages: 2, received: 3, sent: 4, tlsRejections: 5);
        Assert.Equal(
            """{"time":"2026-11-26T10:00:00Z","connections":1,"messages":2,"received":3,"sent":4,"rejected":{"tls":5}}""",
            One(ago: 0).GetRawText());
    }

    private int Add(double at, long connections = 0, long messages = 0, long received = 0, long sent = 0, long tlsRejections = 0)
    {
        var rejected = new long[Enum.GetValues<RejectReason>().Length];
        rejected[(int)RejectReason.Tls] = tlsRejections;
        return _history.Add(new ActivityTotals(connections, messages, received, sent, rejected), TimeSpan.FromSeconds(at));
    }

    private string All(string figure) => Parse(json => _history.WriteAll(json, End)).GetProperty(figure).GetRawText();

    private JsonElement One(int ago) => Parse(json => _history.WriteOne(json, ago, End));

    private static JsonElement Parse(Action<Utf8JsonWriter> write)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text))
        {
            write(json);
        }

        return JsonElement.Parse(text.WrittenSpan);
    }
}
