using System.Globalization;
using EchoHost.Configuration;
using EchoHost.Transport;
using Serilog;
using Serilog.Formatting;
using Serilog.Formatting.Display;
using Serilog.Formatting.Json;

namespace EchoHost.Logging;

internal static class LoggingSetup
{
    private const string FormatKey = "Logging:Format";
    private const string SerilogSection = "Serilog";
    private const string TextTemplate = "[{Timestamp:HH:mm:ss.fff} {Level:u3}] {Message:lj}{NewLine}{Exception}";

    /// <summary>How many events may wait for a slow standard output before further ones are dropped.</summary>
    private const int Buffer = 10_000;

    /// <summary>
    /// Serilog under Microsoft.Extensions.Logging, by its own section. Without sinks of the user's, lines go to
    /// standard output from a thread of their own: a terminal or pipe that stops reading must not stop the echo.
    /// </summary>
    /// <exception cref="ConfigurationException">The format, or Serilog's section, can't be used.</exception>
    public static void AddEchoLogging(this ILoggingBuilder logging, IConfiguration configuration)
    {
        var formatter = Formatter(configuration[FormatKey]);
        LoggerConfiguration serilog;
        try
        {
            serilog = new LoggerConfiguration().ReadFrom.Configuration(configuration)
                // Told in one line on standard error; the framework would log it with its stack.
                .Filter.ByExcluding(e => e.Exception is EndpointUnavailableException);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or ArgumentException)
        {
            throw new ConfigurationException($"{SerilogSection}: {e.Message.ReplaceLineEndings(" ")}");
        }

        if (!configuration.GetSection($"{SerilogSection}:WriteTo").GetChildren().Any())
        {
            serilog.WriteTo.Async(sinks => sinks.Console(formatter), Buffer);
        }

        logging.ClearProviders();
        // Serilog's own levels decide.
        logging.SetMinimumLevel(LogLevel.Trace);
        logging.AddSerilog(serilog.CreateLogger(), dispose: true);
    }

    private static ITextFormatter Formatter(string? format) => format?.ToLowerInvariant() switch
    {
        null or "" or "text" => new MessageTemplateTextFormatter(TextTemplate, CultureInfo.InvariantCulture),
        "json" => new JsonFormatter(renderMessage: true, formatProvider: CultureInfo.InvariantCulture),
        _ => throw new ConfigurationException($"{FormatKey} is '{format}'; expected text or json"),
    };
}
