using EchoHost.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace EchoHost.Hosting;

/// <summary>Where settings come from: the files beside the program, the environment, the command line; the later win.</summary>
internal static class HostConfiguration
{
    /// <summary>A host's builder, with its configuration complete.</summary>
    /// <exception cref="ConfigurationException">A file can't be read.</exception>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        try
        {
            var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
            {
                // Settings are read once; watching the files would only take inotify instances.
                Args = ["--hostBuilder:reloadConfigOnChange=false", .. args],
                // Beside the program, so that it does not matter where it is started from.
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

    /// <summary>The configuration alone, for the commands that need no host.</summary>
    public static IConfiguration Read(string[] args) => CreateBuilder(args).Configuration;

    /// <summary>The framework ranks ASPNETCORE_URLS and its kin below appsettings.json, which here holds every default.</summary>
    private static void PreferEnvironmentToFiles(ConfigurationManager configuration)
    {
        IList<IConfigurationSource> sources = configuration.Sources;
        var lastFile = sources.Select((source, index) => source is JsonConfigurationSource ? index : -1).DefaultIfEmpty(-1).Max();
        sources.Insert(lastFile + 1, new EnvironmentVariablesConfigurationSource { Prefix = "ASPNETCORE_" });
    }
}
