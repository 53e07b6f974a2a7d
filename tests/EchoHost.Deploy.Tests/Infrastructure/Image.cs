using EchoHost.Hosting;
using EchoHost.Tests.Infrastructure;
using Microsoft.Extensions.Configuration;

namespace EchoHost.Deploy.Tests.Infrastructure;

/// <summary>What the image of the Dockerfile adds to a manifest.</summary>
internal static class Image
{
    /// <summary>The environment that it sets.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = ReadEnvironment();

    /// <summary>The environment of a container: the image's, and what a manifest sets.</summary>
    public static Dictionary<string, string> With(IEnumerable<KeyValuePair<string, string>> environment)
    {
        var all = new Dictionary<string, string>(Environment);
        foreach (var (name, value) in environment)
        {
            all[name] = value;
        }

        return all;
    }

    /// <summary>The settings of a host in such a container, checked as at its start.</summary>
    public static HostSettings Settings(IReadOnlyDictionary<string, string> environment)
    {
        var keys = environment.Select(variable => KeyValuePair.Create(KeyOf(variable.Key), (string?)variable.Value));
        return HostSettings.Read(new ConfigurationBuilder().AddJsonFile(Repository.File("appsettings.json")).AddInMemoryCollection(keys).Build());
    }

    private static string KeyOf(string variable)
    {
        const string prefix = "ASPNETCORE_";
        var key = variable.StartsWith(prefix, StringComparison.Ordinal) ? variable[prefix.Length..] : variable;
        return key.Replace("__", ":", StringComparison.Ordinal);
    }

    private static Dictionary<string, string> ReadEnvironment()
    {
        const string instruction = "ENV ";
        var lines = File.ReadAllLines(Repository.File("Dockerfile")).SkipWhile(line => !line.StartsWith(instruction, StringComparison.Ordinal)).ToArray();
        lines[0] = lines[0][instruction.Length..];
        var count = lines.TakeWhile(line => line.EndsWith('\\')).Count() + 1;
        return lines[..count].Select(line => line.TrimEnd('\\').Trim().Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
    }
}
