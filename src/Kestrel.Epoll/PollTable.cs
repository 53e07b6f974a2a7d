namespace Kestrel.Epoll;

/// <summary>
/// Maps the tokens of events to their targets. The kernel returns a token and not a descriptor's number, and tokens are never
/// reused: a late event finds nothing, instead of the connection that now has the number.
/// </summary>
internal sealed class PollTable
{
    private readonly Lock _lock = new();
    private readonly Stack<int> _free = new();
    private Entry[] _entries = new Entry[16];
    private int _used;

    /// <summary>Adds <paramref name="target"/> and returns its token.</summary>
    public ulong Add(IPollable target)
    {
        lock (_lock)
        {
            if (!_free.TryPop(out var index))
            {
                index = _used++;
                if (index == _entries.Length)
                {
                    var larger = new Entry[_entries.Length * 2];
                    _entries.CopyTo(larger, 0);
                    Volatile.Write(ref _entries, larger);
                }
            }

            ref var entry = ref _entries[index];
            // Write the target last: a thread that sees it then sees its generation too.
            Volatile.Write(ref entry.Generation, entry.Generation + 1);
            Volatile.Write(ref entry.Target, target);
            return ((ulong)entry.Generation << 32) | (uint)index;
        }
    }

    public void Remove(ulong token)
    {
        lock (_lock)
        {
            var index = (int)(uint)token;
            if (_entries[index].Generation == token >> 32 && _entries[index].Target is not null)
            {
                Volatile.Write(ref _entries[index].Target, null);
                _free.Push(index);
            }
        }
    }

    /// <summary>The target of a token; null if it has been removed. Only the event loop calls this.</summary>
    public IPollable? Find(ulong token)
    {
        ref var entry = ref Volatile.Read(ref _entries)[(int)(uint)token];
        var target = Volatile.Read(ref entry.Target);
        return Volatile.Read(ref entry.Generation) == token >> 32 ? target : null;
    }

    private struct Entry
    {
        public IPollable? Target;
        public uint Generation;
    }
}
