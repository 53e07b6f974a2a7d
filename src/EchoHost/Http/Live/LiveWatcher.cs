using System.Threading.Channels;

namespace EchoHost.Http.Live;

/// <summary>A reader of the events: what is ready for it to be sent.</summary>
/// <param name="onTooSlow">Called when the watcher does not read fast enough.</param>
internal sealed class LiveWatcher(Action onTooSlow)
{
    /// <summary>
    /// The number of seconds that a watcher may be behind, as one on a slow link is after its first events. All watchers share the
    /// events, so it costs little.
    /// </summary>
    private const int Backlog = 60;

    private readonly Channel<ReadOnlyMemory<byte>> _events = Channel.CreateBounded<ReadOnlyMemory<byte>>(Backlog);

    /// <summary>The events to send; ends with the host.</summary>
    public ChannelReader<ReadOnlyMemory<byte>> Events => _events.Reader;

    public void Send(ReadOnlyMemory<byte> events)
    {
        if (!_events.Writer.TryWrite(events))
        {
            onTooSlow();
        }
    }

    public void End() => _events.Writer.TryComplete();
}
