using Microsoft.Win32.SafeHandles;

namespace EchoHost.Descriptors;

/// <summary>
/// Descriptors that are held in reserve for the moment when there are no others. Released, they let the host accept clients
/// in order to reject them, and keep the process alive: the runtime ends it if a new thread gets no descriptors for its
/// start.
/// </summary>
internal sealed class DescriptorReserve : IDisposable
{
    /// <summary>The start of a thread needs two; several threads may start at once.</summary>
    private const int Size = 8;

    private readonly Lock _lock = new();
    private readonly Stack<SafeFileHandle> _held = new(Size);

    public DescriptorReserve() => TryTake();

    /// <summary>
    /// Takes the whole reserve, unless it is held; returns false, and holds nothing, if too few descriptors are free.
    /// </summary>
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

    /// <summary>Releases the reserve; returns false if it was not held.</summary>
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
