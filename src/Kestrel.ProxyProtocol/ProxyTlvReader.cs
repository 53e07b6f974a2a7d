using System.Buffers.Binary;

namespace Kestrel.ProxyProtocol;

/// <summary>Reads type-length-values in order (section 2.2).</summary>
/// <param name="tlvs">The values of a header, or those inside one of its values.</param>
public ref struct ProxyTlvReader(ReadOnlySpan<byte> tlvs)
{
    private const int TypeAndLength = 3;

    /// <summary>The number of unread bytes: 0 after the last value, more if the rest is not a valid value.</summary>
    public readonly int Remaining => _rest.Length;

    private ReadOnlySpan<byte> _rest = tlvs;

    /// <summary>Reads the next value; false if there is none, or if it would extend past the end.</summary>
    /// <param name="type">Its type, usually one of <see cref="ProxyTlvType"/>.</param>
    /// <param name="value">Its bytes, as the proxy sent them. Text in it may have characters that are not printable.</param>
    public bool TryRead(out byte type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (_rest.Length < TypeAndLength)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(_rest[1..]);
        if (_rest.Length - TypeAndLength < length)
        {
            return false;
        }

        type = _rest[0];
        value = _rest.Slice(TypeAndLength, length);
        _rest = _rest[(TypeAndLength + length)..];
        return true;
    }
}
