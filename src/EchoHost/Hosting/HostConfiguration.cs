using EchoHost.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace EchoHost.Hosting;

/// <summary>
/// The sources of settings, in ascending precedence: the files beside the program, the environment, the command line.
/// </summary>
internal static class HostConfiguration
{
    /// <summary>Creates the host's builder with its complete configuration.</summary>
    /// <exception cref="ConfigurationException">A file can't be read.</exception>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        try
        {
            var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
            {
                // Settings are read once; watching the files would only take inotify instances.
                Args = ["--hostBuilder:reloadConfigOnChange=false", .. args],
                // The files are beside the program, whatever directory it is started from.
                ContentRootPath = AppContext.BaseDirectory,
            });
            PreferEnvironmentToFiles(builder.Configuration);
            return builder;
        }
        catch (InvalidDataException e)
        {
            throw new ConfigurationException($"{e.Message} {e.GetBaseException().Message}".ReplaceLineEndings(" "));
        }
    }

    /// <summary>Reads the configuration alone, for commands that need no host.</summary>
    public static IConfiguration Read(string[] args) => CreateBuilder(args).Configuration;

    /// <summary>
    /// Ranks ASPNETCORE_URLS and the like above appsettings.json. The framework ranks them below, but here that file holds
    /// every default.
    /// </summary>
    private static void PreferEnvironmentToFiles(ConfigurationManager configuration)
    {
        IList<IConfigurationSource> sources = configuration.Sources;
        var lastFile = sources.Select((source, index) => source is JsonConfigurationSource ? index : -1).DefaultIfEmpty(-1).Max();
        sources.Insert(lastFile + 1, new EnvironmentVariablesConfigurationSource { Prefix = "ASPNETCORE_" });
    }
}
