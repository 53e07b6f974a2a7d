using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Connections.Tracking;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace EchoHost.Tests.Connections.ProxyProtocol;

/// <summary>
/// Mutated headers, by a seed, so that every one can be made again: nothing may come of them but acceptance by the
/// rules or a clean rejection.
/// </summary>
public partial class FuzzTests(ITestOutputHelper output)
{
    private static readonly byte[][] Seeds =
    [
        ProxyHeaders.V1("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"),
        ProxyHeaders.V1("PROXY TCP6 2001:db8::1 2001:db8::ffff:192.0.2.1 56324 443\r\n"),
        ProxyHeaders.V1("PROXY TCP6 2001:db8::1 127.0.0.1 51512 37477\r\n"),
        ProxyHeaders.V1("PROXY TCP4 203.0.113.7 ::1 51512 443\r\n"),
        ProxyHeaders.V1("PROXY UNKNOWN\r\n"),
        ProxyHeaders.V2("192.0.2.1:56324", "198.51.100.2:443"),
        ProxyHeaders.V2("[2001:db8::1]:1", "[2001:db8::2]:2", ProxyHeaders.Tlv(0x02, "a.example"u8.ToArray()), ProxyHeaders.Tlv(0x05, 1, 2, 3)),
        ProxyHeaders.WithChecksum(ProxyHeaders.V2("192.0.2.1:1", "198.51.100.2:2", ProxyHeaders.Tlv(0x20, [1, 0, 0, 0, 0, .. ProxyHeaders.Tlv(0x21, "TLSv1.3"u8.ToArray())]), ProxyHeaders.Crc())),
        ProxyHeaders.V2(ProxyHeaders.Local, 0x00),
        ProxyHeaders.V2(ProxyHeaders.Proxy, 0x31, new byte[216]),
    ];

    [Fact]
    public void The_parser_takes_what_the_rules_allow_and_nothing_else()
    {
        var count = TestScale.Of(200_000, 3_000_000);
        var accepted = 0;
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < count; i++)
        {
            var bytes = Mutate(new Random(i));
            var status = ProxyHeaderParser.Parse(bytes, out var header, out var problem);
            switch (status)
            {
                case ProxyParseStatus.Ok:
                    accepted++;
                    Assert.True(IsAllowed(bytes.AsSpan(0, header.Length), header.Version), $"seed {i} was accepted: {Convert.ToHexString(bytes)}");
                    // What is shown of it is text of one line, whatever it held.
                    Assert.DoesNotContain(ProxyDescription.From(header).ToString(), char.IsControl);
                    break;
                case ProxyParseStatus.NeedMore:
                    Assert.True(bytes.Length < ProxyHeaderParser.MaxLength, $"seed {i} waits for more than there may be");
                    break;
                default:
                    Assert.False(string.IsNullOrEmpty(problem), $"seed {i} is refused without a reason");
                    break;
            }

            // However it is cut, the bytes before the end never say anything but wait, or what the whole says.
            if (bytes.Length > 1)
            {
                var early = ProxyHeaderParser.Parse(bytes.AsSpan(0, new Random(i).Next(1, bytes.Length)), out _, out _);
                Assert.True(early == ProxyParseStatus.NeedMore || early == status, $"seed {i} is {early} and then {status}");
            }
        }

        output.WriteLine($"{count} headers, {accepted} accepted, {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.InRange(accepted, count / 50, count);
    }

    [Fact]
    public async Task A_live_endpoint_echoes_what_follows_a_right_header_and_turns_the_rest_away()
    {
        var count = TestScale.Of(3_000, 100_000);
        const int workers = 8;
        await using var host = await EchoHostFixture.StartAsync("Echo:Endpoints:Tcp:ProxyProtocol=Required", "Echo:TrustedProxies:0=127.0.0.1", "Echo:LogMessages=false");
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(async () =>
        {
            for (var i = worker; i < count; i += workers)
            {
                await TryAsync(host, i);
            }
        })));
        output.WriteLine($"{count} connections, {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.DoesNotContain(host.Log.Entries, e => e.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
        await Wait.UntilAsync(() => host.Services.GetRequiredService<ConnectionRegistry>().Count == 0, "nothing is left in the registry");
        using var client = await host.ConnectAsync();
        await client.SendAsync(Seeds[0]);
        await client.EchoAsync("unharmed");
    }

    private static async Task TryAsync(EchoHostFixture host, int seed)
    {
        byte[] bytes = [.. Mutate(new Random(seed)), .. "payload"u8];
        var status = ProxyHeaderParser.Parse(bytes, out var header, out _);
        var expected = status == ProxyParseStatus.Ok ? bytes[header.Length..] : [];
        byte[] received;
        try
        {
            using var client = await host.ConnectAsync();
            await client.SendAsync(bytes);
            client.HalfClose();
            received = await client.ReceiveToEndAsync();
        }
        catch (SocketException) when (status != ProxyParseStatus.Ok)
        {
            // Turned away by a reset, whichever call met it.
            return;
        }

        Assert.True(expected.AsSpan().SequenceEqual(received), $"seed {seed}: {Convert.ToHexString(bytes)} gave {Convert.ToHexString(received)}");
    }

    private static byte[] Mutate(Random random)
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

    /// <summary>The rules again, said in another way than the parser says them.</summary>
    private static bool IsAllowed(ReadOnlySpan<byte> header, int version)
    {
        if (version == 1)
        {
            var line = Encoding.Latin1.GetString(header);
            return line.Length <= 107 && (V1Unknown().IsMatch(line)
                || (V1Addresses().Match(line) is { Success: true } fields
                    && (fields.Groups["family"].Value == "4" ? IsIPv4(fields.Groups["source"].Value) : IsIPv6(fields.Groups["source"].Value))
                    && (IsIPv4(fields.Groups["destination"].Value) || IsIPv6(fields.Groups["destination"].Value))));
        }

        var length = (header[14] << 8) | header[15];
        var (command, family, transport) = (header[12] & 0x0F, header[13] >> 4, header[13] & 0x0F);
        return header[..12].SequenceEqual(ProxyHeaders.Signature) && header[12] >> 4 == 2 && header.Length == 16 + length && length <= 4096
            && (command == 0 || (command == 1 && family <= 3 && transport <= 2 && length >= new[] { 0, 12, 36, 216 }[family]));
    }

    private static bool IsIPv6(string text) =>
        System.Net.IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6 && !text.AsSpan().ContainsAny("%[]/");

    private static bool IsIPv4(string text) => V1Four().IsMatch(text);

    private const string Octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private const string Port = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}|0)";
    private const string Address = $@"{Octet}\.{Octet}\.{Octet}\.{Octet}";

    [GeneratedRegex(@"\APROXY UNKNOWN( [^\r\n]*)?\r\n\z")]
    private static partial Regex V1Unknown();

    [GeneratedRegex($@"\A{Address}\z")]
    private static partial Regex V1Four();

    [GeneratedRegex($@"\APROXY TCP(?<family>[46]) (?<source>[0-9a-fA-F:.]+) (?<destination>[0-9a-fA-F:.]+) {Port} {Port}\r\n\z")]
    private static partial Regex V1Addresses();
}
