using System.Buffers.Binary;
using System.Numerics;
using BenchmarkDotNet.Attributes;
using Kestrel.ProxyProtocol;

namespace EchoHost.Benchmarks;

/// <summary>How many headers a second one core parses, and what that allocates.</summary>
[MemoryDiagnoser]
[ShortRunJob]
public class ProxyHeaderParserBenchmarks
{
    private readonly byte[] _v1IPv4 = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"u8.ToArray();
    private readonly byte[] _v1IPv6 = "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n"u8.ToArray();

    private readonly byte[] _v2IPv4 =
    [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x11, 0, 12,
        192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 0x01, 0xBB,
    ];

    private byte[] _v2Values = [];

    /// <summary>An authority, a unique id and a checksum, as HAProxy sends them.</summary>
    [GlobalSetup]
    public void Setup()
    {
        byte[] values = [.. Value(0x02, "echo.example.com"u8), .. Value(0x05, new byte[32]), .. Value(0x03, new byte[4])];
        byte[] header = [.. _v2IPv4, .. values];
        header[15] += (byte)values.Length;
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(header.Length - 4), ~header.Aggregate(uint.MaxValue, BitOperations.Crc32C));
        _v2Values = header;

        static byte[] Value(byte type, ReadOnlySpan<byte> value) => [type, (byte)(value.Length >> 8), (byte)value.Length, .. value];
    }

    [Benchmark]
    public int V1IPv4() => Parse(_v1IPv4);

    [Benchmark]
    public int V1IPv6() => Parse(_v1IPv6);

    [Benchmark]
    public int V2IPv4() => Parse(_v2IPv4);

    [Benchmark]
    public int V2WithValuesAndChecksum() => Parse(_v2Values);

    private static int Parse(byte[] bytes) =>
        ProxyHeaderParser.Parse(bytes, out var header, out _) == ProxyParseStatus.Ok ? header.Length : throw new InvalidOperationException("not a header");
}
