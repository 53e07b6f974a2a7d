using System.Net.ServerSentEvents;
using System.Text.Json;

namespace EchoHost.Tests.Infrastructure;

/// <summary>Reads <c>/live</c> as a browser does.</summary>
internal sealed class EventStream : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly CancellationTokenSource _limit = new(Wait.Limit);
    private readonly IAsyncEnumerator<SseItem<string>> _events;

    private EventStream(HttpResponseMessage response, Stream body)
    {
        _response = response;
        _events = SseParser.Create(body).EnumerateAsync(_limit.Token).GetAsyncEnumerator();
    }

    public HttpResponseMessage Response => _response;

    public static async Task<EventStream> OpenAsync(HttpClient http)
    {
        var response = await http.GetAsync("/live", HttpCompletionOption.ResponseHeadersRead);
        return new EventStream(response.EnsureSuccessStatusCode(), await response.Content.ReadAsStreamAsync());
    }

    /// <summary>The next event; null at the end of the stream.</summary>
    public async Task<(string Name, JsonElement Data)?> NextAsync() =>
        await _events.MoveNextAsync() ? (_events.Current.EventType, JsonElement.Parse(_events.Current.Data)) : null;

    /// <summary>The next event with a name; others before it are skipped.</summary>
    public Task<JsonElement> NextAsync(string name) => UntilAsync(name, _ => true);

    /// <summary>The next event with a name whose data match; others before it are skipped.</summary>
    public async Task<JsonElement> UntilAsync(string name, Func<JsonElement, bool> isMeant)
    {
        while (await NextAsync() is var (found, data))
        {
            if (found == name && isMeant(data))
            {
                return data;
            }
        }

        throw new InvalidOperationException($"the stream ended without the event {name} that was waited for");
    }

    public async ValueTask DisposeAsync()
    {
        await _events.DisposeAsync();
        _response.Dispose();
        _limit.Dispose();
    }
}
