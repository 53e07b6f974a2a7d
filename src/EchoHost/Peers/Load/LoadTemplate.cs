namespace EchoHost.Peers.Load;

/// <summary>
/// Memory to send parts of a connection's stream from, one at a time, without a copy of each: it has the random bytes already,
/// and only the unique bytes of the messages are written.
/// </summary>
internal sealed class LoadTemplate
{
    /// <summary>
    /// A template that is not in use. An event loop sends for many connections, but nearly always all bytes of a part at once,
    /// so one template, warm in the cache, serves them all. Others are kept in <see cref="LoadPayload.Spare"/>.
    /// </summary>
    [ThreadStatic]
    private static LoadTemplate? _idle;

    private readonly LoadPayload _payload;
    private readonly byte[] _bytes;
    private (int Connection, long Number) _message;
    private int _offset;
    private int _place;
    private int _length;

    private LoadTemplate(LoadPayload payload)
    {
        _payload = payload;
        _bytes = payload.RandomBytes.ToArray();
    }

    /// <summary>Takes a template, which serves one part at a time.</summary>
    public static LoadTemplate Rent(LoadPayload payload)
    {
        if (_idle is { } idle && idle._payload == payload)
        {
            _idle = null;
            return idle;
        }

        return payload.Spare.TryTake(out var spare) ? spare : new LoadTemplate(payload);
    }

    /// <summary>Makes a part of a stream. It may have the end of one message and the beginning of another.</summary>
    /// <param name="message">The number of the connection, and that of the message with which the part begins.</param>
    /// <param name="offset">The offset of the part in that message.</param>
    /// <param name="length">The length of the part, at most <see cref="LoadPayload.MaxPart"/>.</param>
    /// <returns>The part. It must have been sent when the template is given back.</returns>
    public ReadOnlyMemory<byte> Make((int Connection, long Number) message, int offset, int length)
    {
        (_message, _offset, _place, _length) = (message, offset, _payload.PlaceOf(message, offset), length);
        _payload.Mark(_bytes.AsSpan(_place, length), message, offset, random: []);
        return _bytes.AsMemory(_place, length);
    }

    /// <summary>Gives the template back, for another part. The last one must have been sent.</summary>
    public void Return()
    {
        _payload.Mark(_bytes.AsSpan(_place, _length), _message, _offset, _payload.RandomBytes.Slice(_place, _length));
        if (_idle?._payload == _payload)
        {
            _payload.Spare.Add(this);
        }
        else
        {
            _idle = this;
        }
    }
}
