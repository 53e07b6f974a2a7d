using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kestrel.Epoll;

/// <summary>
/// An array of <c>struct epoll_event</c>: a word of events and eight bytes of user data, packed on x86 only (epoll_ctl(2)).
/// </summary>
internal sealed unsafe class EpollEventBuffer(int capacity)
{
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86 ? 4 : 8;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(capacity * Size, pinned: true);

    /// <summary>The size of one event in bytes.</summary>
    public static int Size { get; } = DataOffset + sizeof(ulong);

    public int Capacity { get; } = capacity;

    public byte* Pointer => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_bytes));

    public (EpollEvents Events, ulong Data) this[int index]
    {
        get
        {
            var at = Pointer + (index * Size);
            return ((EpollEvents)Unsafe.ReadUnaligned<uint>(at), Unsafe.ReadUnaligned<ulong>(at + DataOffset));
        }
    }

    /// <summary>Writes one event to <paramref name="at"/>, which must have room for <see cref="Size"/> bytes.</summary>
    public static void Write(byte* at, EpollEvents events, ulong data)
    {
        Unsafe.WriteUnaligned(at, (uint)events);
        Unsafe.WriteUnaligned(at + DataOffset, data);
    }
}
