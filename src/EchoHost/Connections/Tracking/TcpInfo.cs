using Kestrel.Epoll;

namespace EchoHost.Connections.Tracking;

/// <summary>
/// The Linux kernel's figures for a TCP connection: <c>struct tcp_info</c> of <c>linux/tcp.h</c>, read with
/// getsockopt(IPPROTO_TCP, TCP_INFO), tcp(7).
/// </summary>
/// <param name="RttMicroseconds">The smoothed round-trip time.</param>
/// <param name="MinRttMicroseconds">The smallest round-trip time seen.</param>
/// <param name="Retransmits">Segments retransmitted over the connection's life.</param>
/// <param name="BytesAcknowledged">Bytes that the client's kernel has acknowledged.</param>
/// <param name="SendQueueBytes">Bytes written but not acknowledged yet.</param>
/// <param name="Mss">The maximum segment size for sending, in bytes.</param>
/// <param name="PathMtu">The path's MTU as far as the kernel knows it, in bytes.</param>
internal readonly record struct TcpInfo(
    uint RttMicroseconds, uint MinRttMicroseconds, uint Retransmits, ulong BytesAcknowledged, ulong SendQueueBytes, uint Mss, uint PathMtu)
{
    private const int IPProtoTcp = 6;
    private const int TcpInfoOption = 11;

    // Offsets into struct tcp_info; fields are only ever added at its end.
    private const int SndMssOffset = 16;
    private const int PathMtuOffset = 60;
    private const int RttOffset = 68;
    private const int TotalRetransOffset = 100;
    private const int BytesAckedOffset = 120;
    private const int NotSentBytesOffset = 144;
    private const int MinRttOffset = 148;
    private const int BytesSentOffset = 200;
    private const int BytesRetransOffset = 208;

    /// <summary>Kernels before 4.19 fill in less than this; they count as having no figures.</summary>
    private const int NeededLength = BytesRetransOffset + sizeof(ulong);

    /// <summary>Reads the socket's figures; null on other systems, for other kinds of socket, and after the close.</summary>
    public static TcpInfo? Read(IKernelSocketFeature? socket)
    {
        if (socket is null || !OperatingSystem.IsLinux())
        {
            return null;
        }

        Span<byte> buffer = stackalloc byte[256];
        var length = socket.GetOption(IPProtoTcp, TcpInfoOption, buffer);
        return length < 0 ? null : Parse(buffer[..length]);
    }

    private static TcpInfo? Parse(ReadOnlySpan<byte> info)
    {
        static uint UInt32(ReadOnlySpan<byte> info, int offset) => BitConverter.ToUInt32(info[offset..]);
        static ulong UInt64(ReadOnlySpan<byte> info, int offset) => BitConverter.ToUInt64(info[offset..]);

        if (info.Length < NeededLength)
        {
            return null;
        }

        var acknowledged = UInt64(info, BytesAckedOffset);
        var sentOnce = UInt64(info, BytesSentOffset) - UInt64(info, BytesRetransOffset);
        // A FIN takes a sequence number, so its acknowledgement can push the count one past the bytes sent.
        var inFlight = sentOnce > acknowledged ? sentOnce - acknowledged : 0;
        return new TcpInfo(
            UInt32(info, RttOffset),
            UInt32(info, MinRttOffset),
            UInt32(info, TotalRetransOffset),
            acknowledged,
            inFlight + UInt32(info, NotSentBytesOffset),
            UInt32(info, SndMssOffset),
            UInt32(info, PathMtuOffset));
    }
}
