namespace Kestrel.Epoll;

/// <summary>Whether there are descriptors left for what can't do without.</summary>
internal static class SpareDescriptors
{
    /// <summary>A thread's start needs two; others may be at it too.</summary>
    private const int Enough = 8;

    /// <summary>Tries: opens as many as are enough, and closes them again.</summary>
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
