using EchoHost.Deploy.Tests.Infrastructure;
using EchoHost.Tests.Infrastructure;
using k8s;

namespace EchoHost.Deploy.Tests.Compose;

/// <summary><c>deploy/compose/compose.yaml</c> as docker-compose understands it, as far as the tests look at it.</summary>
internal sealed class ComposeFile
{
    private static readonly Lazy<Task<ComposeFile>> Read = new(ConfigAsync);

    public Dictionary<string, ComposeService> Services { get; set; } = [];

    public Dictionary<string, ComposeNetworkDefinition> Networks { get; set; } = [];

    public static string Folder => Repository.File("deploy/compose");

    /// <summary>Reads it with <c>docker-compose config</c>, once for all tests.</summary>
    public static Task<ComposeFile> ReadAsync()
    {
        Tool.Need("docker-compose");
        return Read.Value;
    }

    /// <summary>The environment of a host's container.</summary>
    public Dictionary<string, string> Environment(string service) => Image.With(Services[service].Environment);

    private static async Task<ComposeFile> ConfigAsync()
    {
        var (code, output, errors) = await ToolProcess.RunAsync("docker-compose", "--file", Path.Combine(Folder, "compose.yaml"), "config");
        Assert.True(code == 0 && errors.Length == 0, errors);
        return KubernetesYaml.Deserialize<ComposeFile>(output);
    }
}

internal sealed class ComposeService
{
    public string Image { get; set; } = "";

    public object? Build { get; set; }

    /// <summary>The names of services, alone or with a condition each.</summary>
    [YamlDotNet.Serialization.YamlMember(Alias = "depends_on", ApplyNamingConventions = false)]
    public object? DependsOn { get; set; }

    public Dictionary<string, string> Environment { get; set; } = [];

    /// <summary>Texts, and mappings of <c>published</c> and <c>target</c>: docker-compose writes both.</summary>
    public List<object> Ports { get; set; } = [];

    /// <summary>The same as texts: <c>127.0.0.1:9090:9090</c>, or without an address for all of them.</summary>
    public IEnumerable<string> Published => Ports.Select(port => port is IDictionary<object, object> mapping
        ? $"{mapping["published"]}:{mapping["target"]}"
        : ((string)port).Replace("/tcp", "", StringComparison.Ordinal));

    public List<string> Volumes { get; set; } = [];

    public Dictionary<string, ComposeNetwork?> Networks { get; set; } = [];

    [YamlDotNet.Serialization.YamlMember(Alias = "stop_grace_period", ApplyNamingConventions = false)]
    public string StopGracePeriod { get; set; } = "";
}

internal sealed class ComposeNetworkDefinition
{
    public ComposeAddresses Ipam { get; set; } = new();
}

internal sealed class ComposeAddresses
{
    public List<ComposeSubnet> Config { get; set; } = [];
}

internal sealed class ComposeSubnet
{
    public string Subnet { get; set; } = "";

    /// <summary>From where containers without an address of their own get one.</summary>
    [YamlDotNet.Serialization.YamlMember(Alias = "ip_range", ApplyNamingConventions = false)]
    public string Range { get; set; } = "";
}

internal sealed class ComposeNetwork
{
    [YamlDotNet.Serialization.YamlMember(Alias = "ipv4_address", ApplyNamingConventions = false)]
    public string Address { get; set; } = "";
}
