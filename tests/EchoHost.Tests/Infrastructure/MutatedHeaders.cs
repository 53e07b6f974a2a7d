namespace EchoHost.Tests.Infrastructure;

/// <summary>Faulty PROXY headers, generated from a seed so that a failure can be repeated.</summary>
internal static class MutatedHeaders
{
    /// <summary>Valid headers of every kind.</summary>
    public static byte[][] Seeds { get; } =
    [
        ProxyHeaders.V1("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"),
        ProxyHeaders.V1("PROXY TCP6 2001:db8::1 2001:db8::ffff:192.0.2.1 56324 443\r\n"),
        ProxyHeaders.V1("PROXY TCP6 2001:db8::1 127.0.0.1 51512 37477\r\n"),
        ProxyHeaders.V1("PROXY TCP4 203.0.113.7 ::1 51512 443\r\n"),
        ProxyHeaders.V1("PROXY UNKNOWN\r\n"),
        ProxyHeaders.V2("192.0.2.1:56324", "198.51.100.2:443"),
        ProxyHeaders.V2("[2001:db8::1]:1", "[2001:db8::2]:2", ProxyHeaders.Tlv(0x02, "a.example"u8.ToArray()), ProxyHeaders.Tlv(0x05, 1, 2, 3)),
        ProxyHeaders.WithChecksum(ProxyHeaders.V2(
            "192.0.2.1:1",
            "198.51.100.2:2",
            ProxyHeaders.Tlv(0x20, [1, 0, 0, 0, 0, .. ProxyHeaders.Tlv(0x21, "TLSv1.3"u8.ToArray())]),
            ProxyHeaders.Crc())),
        ProxyHeaders.V2(ProxyHeaders.Local, 0x00),
        ProxyHeaders.V2(ProxyHeaders.Proxy, 0x31, new byte[216]),
    ];

    /// <summary>
    /// One of <see cref="Seeds"/> with up to three bytes changed, added or removed, or with another one appended.
    /// </summary>
    public static byte[] Make(Random random)
    {
        var bytes = new List<byte>(Seeds[random.Next(Seeds.Length)]);
        for (var mutations = random.Next(0, 4); mutations > 0; mutations--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.Insert(at, (byte)" :.\r\n0\t%P\0\u00ff"[random.Next(11)]);
                    break;
                case 3 when at < bytes.Count:
                    bytes.RemoveAt(at);
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 5:
                    bytes.InsertRange(at, bytes.Take(random.Next(20)).ToArray());
                    break;
                default:
                    bytes.AddRange(Seeds[random.Next(Seeds.Length)]);
                    break;
            }

            if (bytes.Count == 0)
            {
                bytes.Add((byte)random.Next(256));
            }
        }

        return [.. bytes];
    }
}
