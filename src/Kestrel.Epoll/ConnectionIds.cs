namespace Kestrel.Epoll;

/// <summary>Names for connections: short, and not given twice by one process nor, most likely, by two.</summary>
internal static class ConnectionIds
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    private const int BitsPerDigit = 5;
    private const int Length = 13;

    private static long _last = DateTime.UtcNow.Ticks;

    public static string Next() => string.Create(Length, Interlocked.Increment(ref _last), static (text, id) =>
    {
        for (var i = Length - 1; i >= 0; i--)
        {
            text[i] = Digits[(int)id & (Digits.Length - 1)];
            id >>= BitsPerDigit;
        }
    });
}
