using System.Buffers.Binary;

namespace Kestrel.ProxyProtocol;

/// <summary>Reads type-length-values one after the other (section 2.2).</summary>
/// <param name="tlvs">A header's values, or those within one of them.</param>
public ref struct ProxyTlvReader(ReadOnlySpan<byte> tlvs)
{
    private const int TypeAndLength = 3;

    /// <summary>How many bytes are not read yet: 0 after the last value, or the rest that is none.</summary>
    public readonly int Remaining => _rest.Length;

    private ReadOnlySpan<byte> _rest = tlvs;

    /// <summary>Reads the next value; false where there is none, or where it would run past the end.</summary>
    /// <param name="type">What it is, mostly one of <see cref="ProxyTlvType"/>.</param>
    /// <param name="value">Its bytes, as the proxy sent them: text among them is not to be trusted to be printable.</param>
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
