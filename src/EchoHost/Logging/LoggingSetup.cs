using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using EchoHost.Configuration;
using EchoHost.Transport;
using Serilog;
using Serilog.Debugging;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting;
using Serilog.Formatting.Display;
using Serilog.Formatting.Json;
using Serilog.Settings.Configuration;

namespace EchoHost.Logging;

internal static class LoggingSetup
{
    private const string FormatKey = "Logging:Format";
    private const string SerilogSection = "Serilog";
    private const string TextTemplate = "[{Timestamp:HH:mm:ss.fff} {Level:u3}] {Message:lj}{NewLine}{Exception}";

    /// <summary>The first would log raw endpoints as http://; the host logs the findings of the second itself, once.</summary>
    private static readonly string[] Silenced = ["Microsoft.Hosting.Lifetime", "Microsoft.Extensions.Diagnostics.HealthChecks"];

    /// <summary>The number of events that may wait for a slow standard output; further ones are dropped.</summary>
    private const int Buffer = 10_000;

    /// <summary>
    /// Adds Serilog under Microsoft.Extensions.Logging, configured by its own section. Without configured sinks, lines go
    /// to standard output from a separate thread: a terminal or pipe that stops reading must not stop the echo.
    /// </summary>
    /// <exception cref="ConfigurationException">The format or Serilog's section can't be used.</exception>
    public static void AddEchoLogging(this ILoggingBuilder logging, IConfigurationManager configuration)
    {
        var formatter = Formatter(configuration[FormatKey]);
        SerilogSinks.CheckKeys(configuration.GetSection(SerilogSection));
        SerilogSinks.CheckUsing(configuration.GetSection($"{SerilogSection}:Using"));
        DroppedEvents.Watch(configuration, $"{SerilogSection}:WriteTo");
        var serilog = ReadSerilog(configuration)
            // Reported in one line on standard error; the framework would log it with its stack trace.
            .Filter.ByExcluding(e => e.Exception is EndpointUnavailableException);

        if (!configuration.GetSection($"{SerilogSection}:WriteTo").GetChildren().Any())
        {
            serilog.WriteTo.Async(sinks => sinks.Console(formatter), Buffer, monitor: DroppedEvents.Monitor);
        }

        logging.ClearProviders();
        // Serilog's levels apply.
        logging.SetMinimumLevel(LogLevel.Trace);
        foreach (var category in Silenced)
        {
            // Also for the provider by name, because AddSerilog adds a rule for it, which would take precedence.
            logging.AddFilter(category, LogLevel.None).AddFilter<SerilogLoggerProvider>(category, LogLevel.None);
        }

        // Events carry their connection's id themselves; a scope would cost 370 bytes for each idle connection.
        logging.Services.Configure<LoggerFilterOptions>(options => options.CaptureScopes = false);
        logging.AddSerilog(serilog.CreateLogger(), dispose: true);
    }

    [UnconditionalSuppressMessage(
        "Trimming",
        "IL2026",
        Justification = "The section names methods and types of SerilogSinks' assemblies, which the project keeps whole.")]
    private static LoggerConfiguration ReadSerilog(IConfiguration configuration)
    {
        // Serilog ignores a sink that it does not find, which would leave the host without a log; SelfLog reports it.
        var complaints = new StringWriter();
        SelfLog.Enable(TextWriter.Synchronized(complaints));
        try
        {
            var serilog = new LoggerConfiguration()
                .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
                .MinimumLevel.Override("System", LogEventLevel.Warning)
                .ReadFrom.Configuration(configuration, new ConfigurationReaderOptions(SerilogSinks.Assemblies));
            return complaints.ToString() is { Length: > 0 } complaint
                ? throw SerilogSinks.Problem(configuration.GetSection(SerilogSection), complaint)
                : serilog;
        }
        catch (Exception e) when (e is not ConfigurationException)
        {
            throw SerilogSinks.Problem(configuration.GetSection(SerilogSection), e.GetBaseException().Message);
        }
        finally
        {
            SelfLog.Disable();
        }
    }

    private static ITextFormatter Formatter(string? format) => format?.ToLowerInvariant() switch
    {
        null or "" or "text" => new MessageTemplateTextFormatter(TextTemplate, CultureInfo.InvariantCulture),
        "json" => new JsonFormatter(renderMessage: true, formatProvider: CultureInfo.InvariantCulture),
        _ => throw new ConfigurationException($"{FormatKey} is '{format}'; expected text or json"),
    };
}
