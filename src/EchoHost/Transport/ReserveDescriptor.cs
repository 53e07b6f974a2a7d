using Microsoft.Win32.SafeHandles;

namespace EchoHost.Transport;

/// <summary>A descriptor held for the moment when there is no other: given up, one call that needs one can be made.</summary>
internal sealed class ReserveDescriptor : IDisposable
{
    private SafeFileHandle? _held;

    public ReserveDescriptor() => TryTake();

    /// <summary>Takes the reserve, unless it is held; false when there is no descriptor for it.</summary>
    public bool TryTake()
    {
        try
        {
            _held ??= File.OpenHandle(OperatingSystem.IsWindows() ? "NUL" : "/dev/null", share: FileShare.ReadWrite);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Gives the reserve up; false when it was not held.</summary>
    public bool TryGive()
    {
        var wasHeld = _held is not null;
        Dispose();
        return wasHeld;
    }

    public void Dispose()
    {
        _held?.Dispose();
        _held = null;
    }
}
