using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using EchoHost.Tests.Infrastructure;

namespace Kestrel.ProxyProtocol.Tests;

/// <summary>Mutated headers: each is either accepted by the rules or cleanly rejected.</summary>
public partial class FuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void The_parser_takes_what_the_rules_allow_and_nothing_else()
    {
        var count = TestScale.Of(100_000, 3_000_000);
        var accepted = 0;
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < count; i++)
        {
            var bytes = MutatedHeaders.Make(new Random(i));
            var status = ProxyHeaderParser.Parse(bytes, out var header, out var problem);
            switch (status)
            {
                case ProxyParseStatus.Ok:
                    accepted++;
                    Assert.True(IsAllowed(bytes.AsSpan(0, header.Length), header.Version), $"seed {i} was accepted: {Convert.ToHexString(bytes)}");
                    break;
                case ProxyParseStatus.NeedMore:
                    Assert.True(bytes.Length < ProxyHeaderParser.MaxLength, $"seed {i} waits for more than there may be");
                    break;
                default:
                    Assert.False(string.IsNullOrEmpty(problem), $"seed {i} is refused without a reason");
                    break;
            }

            // Wherever it is cut, a shorter prefix gives either "need more" or the whole input's result.
            if (bytes.Length > 1)
            {
                var early = ProxyHeaderParser.Parse(bytes.AsSpan(0, new Random(i).Next(1, bytes.Length)), out _, out _);
                Assert.True(early == ProxyParseStatus.NeedMore || early == status, $"seed {i} is {early} and then {status}");
            }
        }

        output.WriteLine($"{count} headers, {accepted} accepted, {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.InRange(accepted, count / 50, count);
    }

    /// <summary>The rules, implemented independently of the parser.</summary>
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
