using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using EchoHost.Configuration;
using EchoHost.Peers;

namespace EchoHost.Commands;

/// <summary><c>EchoHost send HOST:PORT [TEXT]</c>: a ping for echo peers.</summary>
internal static class SendCommand
{
    private const int MaxBytes = 64 * 1024 * 1024;

    public static Command Create()
    {
        var connection = new ConnectionArguments();
        var text = new Argument<string?>("TEXT")
        {
            Description = "The message; without TEXT and --bytes, each line of standard input is a message",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var count = new Option<string?>("--count")
        {
            Description = "The number of messages; 0: until Ctrl+C (default: 1; with standard input: all lines)",
            HelpName = "N",
        };
        var interval = new Option<string?>("--interval")
        {
            Description = "The time from one message to the next (default: 1s; with standard input: none)",
            HelpName = "TIME",
        };
        var bytes = new Option<string?>("--bytes")
        {
            Description = "Send N random bytes instead of TEXT, different ones in each message",
            HelpName = "N",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON object per message" };
        var command = new Command(
            "send", "Send messages to a peer and compare what comes back; exit 0 if every byte was the same, else 1")
        {
            text,
            count,
            interval,
            bytes,
            json,
        };
        connection.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            var console = parsed.InvocationConfiguration;
            DescriptorCheck.One();
            CheckText(parsed, text);
            var (target, link, timeout) = connection.Read(parsed);
            var (messages, isPaced) = Messages(parsed.GetValue(text), parsed.Number(bytes, 1, MaxBytes), parsed.Number(count, 0, int.MaxValue));
            var pause = parsed.Time(interval, least: TimeSpan.Zero) ?? TimeSpan.FromSeconds(isPaced ? 1 : 0);
            ISendReport report = parsed.GetValue(json)
                ? new JsonSendReport(console.Output, target)
                : new TextSendReport(console.Output, target, showsText: parsed.GetValue(bytes) is null);
            return await RunAsync(new SendSession(target, timeout, pause, messages), link, report, console.Error);
        });
        return command;
    }

    private static async Task<int> RunAsync(SendSession session, PeerLink link, ISendReport report, TextWriter error)
    {
        using var stop = new StopSignal();
        using var transport = new PeerTransport(loops: 1, link.Source);
        var client = transport.ClientOf(session.Target, link);
        await client.WarmUpAsync(session.Target, stop.Token);
        var tally = await session.RunAsync(client, report, stop.Token);
        return tally.Messages > 0 && tally.Same == tally.Messages ? ExitCode.Done
            : tally.Messages > 0 ? ExitCode.Failed
            : CommandLine.Fail(error, ExitCode.Failed, stop.Token.IsCancellationRequested ? "stopped before anything came back" : "there was nothing to send");
    }

    /// <summary>Rejects text that looks like an option: a misspelt option would be parsed as TEXT, and sent.</summary>
    private static void CheckText(ParseResult parsed, Argument<string?> text)
    {
        if (parsed.GetValue(text) is ['-', '-', _, ..] option && !parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash))
        {
            throw new ConfigurationException($"'{option}' is not an option of this command; to send it as TEXT, put -- before it");
        }
    }

    /// <summary>The messages to send, and whether they are paced by default.</summary>
    private static (IAsyncEnumerable<ReadOnlyMemory<byte>> Messages, bool IsPaced) Messages(string? text, int? bytes, int? count)
    {
        if (text is not null && bytes is not null)
        {
            throw new ConfigurationException($"--bytes is '{bytes}', but there is TEXT too");
        }

        if (text is { Length: 0 })
        {
            throw new ConfigurationException("TEXT is ''; there is nothing to send");
        }

        var most = count == 0 ? int.MaxValue : count;
        return text is not null ? (MessageSource.Repeat(() => Encoding.UTF8.GetBytes(text), most ?? 1), true)
            : bytes is { } length ? (MessageSource.Repeat(() => UniquePayload.Bytes(length), most ?? 1), true)
            : (MessageSource.LinesAsync(StandardInput.Open(), MaxBytes, most ?? int.MaxValue), false);
    }
}
