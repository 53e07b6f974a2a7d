using Microsoft.Win32.SafeHandles;

namespace EchoHost.Descriptors;

/// <summary>
/// Descriptors held for the moment when there are no others. Given up, they let callers be accepted, if only to be turned
/// away, and they keep the process alive: the runtime ends it when a new thread gets no descriptors for its start.
/// </summary>
internal sealed class DescriptorReserve : IDisposable
{
    /// <summary>A thread's start needs two; others may be at it too.</summary>
    private const int Size = 8;

    private readonly Lock _lock = new();
    private readonly Stack<SafeFileHandle> _held = new(Size);

    public DescriptorReserve() => TryTake();

    /// <summary>Takes the whole reserve, unless it is held; false, and nothing is taken, when there are too few descriptors for it.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            try
            {
                while (_held.Count < Size)
                {
                    _held.Push(File.OpenHandle(OperatingSystem.IsWindows() ? "NUL" : "/dev/null", share: FileShare.ReadWrite));
                }

                return true;
            }
            catch (IOException)
            {
                Give();
                return false;
            }
        }
    }

    /// <summary>Gives the reserve up; false when it was not held.</summary>
    public bool TryGive()
    {
        lock (_lock)
        {
            var wasHeld = _held.Count > 0;
            Give();
            return wasHeld;
        }
    }

    public void Dispose() => TryGive();

    private void Give()
    {
        while (_held.TryPop(out var descriptor))
        {
            descriptor.Dispose();
        }
    }
}
