using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace EchoHost.Connections.Tls;

/// <summary>
/// Memory for decrypted bytes, in pieces that hold a whole TLS record. Kestrel's TLS asks for 4 KiB and fills what it is given.
/// With pieces of 4 KiB, as those of Kestrel's own pool, a full record would be read, echoed, encrypted and sent in four parts.
/// </summary>
internal sealed class RecordMemory : MemoryPool<byte>
{
    /// <summary>The maximum length of a record's plaintext, in bytes (RFC 8446, section 5.1).</summary>
    private const int RecordSize = 1 << 14;

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, RecordSize));

    protected override void Dispose(bool disposing)
    {
    }

    /// <summary>Makes the transport of TLS endpoints use this memory.</summary>
    public sealed class Factory : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new RecordMemory();
    }
}
