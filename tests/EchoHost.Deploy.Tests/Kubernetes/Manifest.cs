using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using EchoHost.Deploy.Tests.Infrastructure;
using EchoHost.Tests.Infrastructure;
using k8s;
using k8s.Models;

namespace EchoHost.Deploy.Tests.Kubernetes;

/// <summary>The objects that a folder of <c>deploy/kubernetes</c> renders to, read strictly: an unknown field is an error.</summary>
internal sealed class Manifest
{
    /// <summary>Debian 12's own kubectl is 1.20, whose kustomize knows no components.</summary>
    private const int OldestMinor = 25;

    private static readonly Dictionary<string, Type> Types = new()
    {
        ["v1/Service"] = typeof(V1Service),
        ["v1/ServiceAccount"] = typeof(V1ServiceAccount),
        ["apps/v1/DaemonSet"] = typeof(V1DaemonSet),
        ["apps/v1/Deployment"] = typeof(V1Deployment),
        ["networking.k8s.io/v1/NetworkPolicy"] = typeof(V1NetworkPolicy),
        ["policy/v1/PodDisruptionBudget"] = typeof(V1PodDisruptionBudget),
        ["monitoring.coreos.com/v1/PodMonitor"] = typeof(PodMonitor),
    };

    private static readonly Lazy<Task<int>> KubectlMinor = new(ReadVersionAsync);

    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> Rendered = new();

    private readonly IReadOnlyList<object> _objects;

    private Manifest(IReadOnlyList<object> objects) => _objects = objects;

    /// <summary>The base and every overlay, from their paths in <c>deploy/kubernetes</c>.</summary>
    public static IEnumerable<string> Folders =>
        Directory.GetDirectories(Repository.File("deploy/kubernetes/overlays"))
            .Select(folder => $"overlays/{Path.GetFileName(folder)}")
            .Order()
            .Prepend("base");

    /// <summary>The template of the pods, of a Deployment or a DaemonSet.</summary>
    public V1PodTemplateSpec Template => All<V1Deployment>().Select(d => d.Spec.Template).Concat(All<V1DaemonSet>().Select(d => d.Spec.Template)).Single();

    /// <summary>What selects these pods.</summary>
    public V1LabelSelector Selector => All<V1Deployment>().Select(d => d.Spec.Selector).Concat(All<V1DaemonSet>().Select(d => d.Spec.Selector)).Single();

    /// <summary>Renders a folder with <c>kubectl kustomize</c>, once for all tests.</summary>
    public static async Task<string> RenderAsync(string folder)
    {
        Tool.Need("kubectl");
        if (await KubectlMinor.Value is var minor and < OldestMinor)
        {
            var tooOld = $"kubectl is too old: 1.{minor}, and 1.{OldestMinor} is needed";
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", tooOld);
            Assert.Fail(tooOld);
        }

        return await Rendered.GetOrAdd(folder, _ => new Lazy<Task<string>>(() => KustomizeAsync(folder))).Value;
    }

    /// <summary>Renders a folder and reads its objects.</summary>
    public static async Task<Manifest> ReadAsync(string folder) => Parse(await RenderAsync(folder));

    /// <summary>Reads objects.</summary>
    /// <exception cref="Exception">A field is unknown, or comes twice, or has a value of another type.</exception>
    public static Manifest Parse(string yaml)
    {
        var objects = KubernetesYaml.LoadAllFromString(yaml, Types, strict: true);
        Assert.DoesNotContain(objects, read => !Types.ContainsValue(read.GetType()));
        return new Manifest(objects);
    }

    public IEnumerable<T> All<T>() => _objects.OfType<T>();

    public T Named<T>(string name)
        where T : IMetadata<V1ObjectMeta> => Assert.Single(All<T>(), found => found.Metadata.Name == name);

    private static async Task<string> KustomizeAsync(string folder)
    {
        var (code, output, errors) = await ToolProcess.RunAsync("kubectl", "kustomize", Repository.File($"deploy/kubernetes/{folder}"));
        Assert.True(code == 0 && errors.Length == 0, $"kubectl kustomize deploy/kubernetes/{folder}: exit code {code}\n{errors}");
        return output;
    }

    private static async Task<int> ReadVersionAsync()
    {
        var (code, output, errors) = await ToolProcess.RunAsync("kubectl", "version", "--client", "--output=json");
        Assert.True(code == 0, errors);
        using var answer = JsonDocument.Parse(output);
        return int.Parse(answer.RootElement.GetProperty("clientVersion").GetProperty("minor").GetString()!.TrimEnd('+'), CultureInfo.InvariantCulture);
    }
}
