namespace Kestrel.Epoll;

/// <summary>Checks whether enough descriptors are free for the start of a thread.</summary>
internal static class SpareDescriptors
{
    /// <summary>The start of a thread needs two; several threads may start at once.</summary>
    private const int Enough = 8;

    /// <summary>Opens that many descriptors, and closes them again.</summary>
    public static bool AreThere()
    {
        Span<int> opened = stackalloc int[Enough];
        var count = 0;
        while (count < Enough && (opened[count] = Linux.EventDescriptor(0, Linux.NonBlocking | Linux.CloseOnExec)) >= 0)
        {
            count++;
        }

        foreach (var descriptor in opened[..count])
        {
            _ = Linux.Close(descriptor);
        }

        return count == Enough;
    }
}
