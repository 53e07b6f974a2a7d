using System.Buffers;
using System.Text;
using BenchmarkDotNet.Attributes;
using EchoHost.Text;

namespace EchoHost.Benchmarks;

/// <summary>What it takes to write a message as text for the log. Each is as long as is shown of one.</summary>
[MemoryDiagnoser]
[ShortRunJob]
public class MessageTextBenchmarks
{
    private readonly ReadOnlySequence<byte> _ascii = Repeat("GET / HTTP/1.1\r\n");
    private readonly ReadOnlySequence<byte> _utf8 = Repeat("Grüße, 世界 🌍 ");
    private readonly ReadOnlySequence<byte> _binary = new([.. Enumerable.Range(0, MessageText.MaxBytes).Select(i => (byte)(i * 167))]);

    [Benchmark]
    public string Ascii() => MessageText.Escape(_ascii);

    [Benchmark]
    public string Utf8() => MessageText.Escape(_utf8);

    /// <summary>Each byte value once.</summary>
    [Benchmark]
    public string Binary() => MessageText.Escape(_binary);

    /// <summary>The text as often as it fits in whole.</summary>
    private static ReadOnlySequence<byte> Repeat(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return new([.. Enumerable.Repeat(bytes, MessageText.MaxBytes / bytes.Length).SelectMany(b => b)]);
    }
}
