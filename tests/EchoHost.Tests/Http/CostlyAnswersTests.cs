using System.Buffers;
using System.Net;
using EchoHost.Http;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Time.Testing;

namespace EchoHost.Tests.Http;

/// <summary>Responses that are costly to generate are generated rarely, whatever clients request.</summary>
public sealed class CostlyAnswersTests : IDisposable
{
    private const double Share = 1 / 10.0;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Work = TimeSpan.FromMilliseconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly CostlyAnswers<string> _kept;
    private readonly CostlyAnswers<string> _fresh;
    private int _made;

    public CostlyAnswersTests() => (_kept, _fresh) = (new(Second, Share, _time), new(TimeSpan.Zero, Share, _time));

    public void Dispose()
    {
        _kept.Dispose();
        _fresh.Dispose();
    }

    [Fact]
    public async Task An_answer_is_given_for_a_second_to_all_who_ask_the_same()
    {
        Assert.Equal(1, await AskAsync(_kept, "a"));
        _time.Advance(Second / 2);
        Assert.Equal(1, await AskAsync(_kept, "a"));
        _time.Advance(Second);
        Assert.Equal(2, await AskAsync(_kept, "a"));
    }

    [Fact]
    public async Task What_is_not_kept_is_made_for_each_that_asks_later()
    {
        Assert.Equal(1, await AskAsync(_fresh, "a"));
        _time.Advance(Second);
        Assert.Equal(2, await AskAsync(_fresh, "a"));
    }

    /// <summary>Different parameters each time do not evade the limit.</summary>
    [Fact]
    public async Task Whatever_is_asked_the_work_takes_its_share_and_no_more()
    {
        // The first requests do not wait, until the rest that is owed exceeds the limit.
        var first = 0;
        Task waiting;
        do
        {
            waiting = AskAsync(_kept, $"first {first}", Work);
        }
        while (waiting.IsCompleted && ++first < 1000);
        Assert.InRange(first, CostlyAnswers<string>.Burst / (Work / Share), 999);
        await _time.PassUntilAsync(TimeSpan.FromMilliseconds(10), () => waiting.IsCompleted, "it is made");

        var start = _time.GetTimestamp();
        for (var i = 1; i <= 10; i++)
        {
            var asking = AskAsync(_kept, $"{i}", Work);
            Assert.False(asking.IsCompleted, "it was made without a rest");
            await _time.PassUntilAsync(TimeSpan.FromMilliseconds(10), () => asking.IsCompleted, "it is made");
            await asking;
        }

        Assert.InRange(_time.GetElapsedTime(start), 10 * Work / Share, TimeSpan.MaxValue);
    }

    [Fact]
    public async Task One_is_made_at_a_time_and_all_who_wait_for_it_get_it()
    {
        var release = new TaskCompletionSource();
        async ValueTask<ReadOnlySequence<byte>> MakeAsync(string key)
        {
            Interlocked.Increment(ref _made);
            await release.Task;
            return new ReadOnlySequence<byte>([1]);
        }

        using var gone = new CancellationTokenSource();
        var first = _kept.GetAsync("a", MakeAsync, gone.Token).AsTask();
        Task<ReadOnlySequence<byte>?>[] others = [.. Enumerable.Range(0, 20).Select(_ => _kept.GetAsync("a", MakeAsync, CancellationToken.None).AsTask())];
        // The client that caused it leaves; the response still serves the others.
        await gone.CancelAsync();
        Assert.Equal(1, _made);
        release.SetResult();
        await Task.WhenAll(others.Append(first)).WaitAsync(Wait.Limit);
        Assert.Equal(1, _made);
    }

    [Fact]
    public async Task A_client_that_would_wait_for_too_long_gets_none()
    {
        var release = new TaskCompletionSource();
        var first = _kept.GetAsync(
            "a",
            async _ =>
            {
                await release.Task;
                return new ReadOnlySequence<byte>([1]);
            },
            CancellationToken.None).AsTask();
        var second = AskForAsync("b");
        _time.Advance(CostlyAnswers<string>.MaxWait);
        Assert.Null(await second.WaitAsync(Wait.Limit));
        release.SetResult();
        Assert.NotNull(await first.WaitAsync(Wait.Limit));

        async Task<ReadOnlySequence<byte>?> AskForAsync(string key) =>
            await _kept.GetAsync(key, _ => new(new ReadOnlySequence<byte>([2])), CancellationToken.None);
    }

    [Fact]
    public async Task Few_are_kept_and_none_for_long()
    {
        for (var i = 0; i < CostlyAnswers<string>.MaxKept + 5; i++)
        {
            await AskAsync(_kept, $"{i}");
        }

        Assert.Equal(CostlyAnswers<string>.MaxKept, _kept.Kept);
        _time.Advance(3 * Second);
        Assert.Equal(0, _kept.Kept);
    }

    [Theory]
    [InlineData("/connections?sort=rtt", "application/json; charset=utf-8")]
    [InlineData("/metrics", "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("/peers", "application/json; charset=utf-8")]
    public async Task HEAD_has_the_headers_and_makes_nothing(string path, string contentType)
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        var response = await host.Http.SendAsync(request);
        Assert.Equal((HttpStatusCode.OK, contentType), (response.StatusCode, response.Content.Headers.ContentType?.ToString()));
        // A response that is not generated has no known length (RFC 9110, section 8.6).
        Assert.False(response.Content.Headers.NonValidated.Contains("Content-Length"));
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(contentType, (await host.Http.GetAsync(path)).Content.Headers.ContentType?.ToString());
    }

    [Fact]
    public async Task A_list_of_connections_is_the_same_for_a_second()
    {
        await using var host = await EchoHostFixture.StartAsync();
        using var client = await host.ConnectAsync();
        await client.EchoAsync("hello");
        // The connection's age is in it to the millisecond. A machine may pause for longer than a second between two requests.
        await Wait.UntilAsync(
            async () =>
            {
                var first = await host.Http.GetStringAsync("/connections");
                await Task.Delay(TimeSpan.FromMilliseconds(20));
                return first == await host.Http.GetStringAsync("/connections") && first.Contains("\"ageSeconds\"", StringComparison.Ordinal);
            },
            "two that ask get the same answer");
    }

    /// <summary>The number of the response; generating one takes <paramref name="work"/>.</summary>
    private async Task<int> AskAsync(CostlyAnswers<string> answers, string key, TimeSpan work = default)
    {
        var body = await answers.GetAsync(
            key,
            _ =>
            {
                _time.Advance(work);
                return new(new ReadOnlySequence<byte>([(byte)++_made]));
            },
            CancellationToken.None);
        return body!.Value.FirstSpan[0];
    }
}
