using EchoHost.Deploy.Tests.Infrastructure;
using EchoHost.Tests.Infrastructure;
using k8s.Models;

namespace EchoHost.Deploy.Tests.Kubernetes;

/// <summary>What Kubernetes makes of a pod's template, as far as a host sees it.</summary>
internal static class Pod
{
    public const string Name = "echohost-6c5f7d9b8-x2k4p";
    public const string Node = "worker-1";
    public const string Zone = "eu-central-1b";

    /// <summary>What stands in the place of a Secret with a certificate, for the whole test process.</summary>
    private static readonly Lazy<TestCertificate> Secret = new(() =>
    {
        var certificate = new TestCertificate();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => certificate.Dispose();
        return certificate;
    });

    public static V1Container Container(V1PodTemplateSpec template) => Assert.Single(template.Spec.Containers);

    /// <summary>
    /// The environment of its container: the image's, and the template's with the downward API filled in. Paths in a volume
    /// with a Secret lead to a certificate that was made for the tests.
    /// </summary>
    public static Dictionary<string, string> Environment(V1PodTemplateSpec template) =>
        Image.With(Container(template).Env.Select(
            variable => KeyValuePair.Create(variable.Name, Mounted(template, variable.Value ?? FieldOf(template, variable)))));

    /// <summary>The number of a port that is named, as probes and services do.</summary>
    public static int Port(V1PodTemplateSpec template, string name) => Assert.Single(Container(template).Ports, port => port.Name == name).ContainerPort;

    /// <summary>The number of a port that is named or numbered.</summary>
    public static int Port(V1PodTemplateSpec template, IntOrString port) => int.TryParse(port.Value, out var number) ? number : Port(template, port.Value);

    private static string Mounted(V1PodTemplateSpec template, string value)
    {
        foreach (var mount in Container(template).VolumeMounts ?? [])
        {
            Assert.Contains(template.Spec.Volumes, volume => volume.Name == mount.Name && volume.Secret is not null);
            value = value.Replace($"{mount.MountPath}/", $"{Secret.Value.Folder}/", StringComparison.Ordinal);
        }

        return value;
    }

    private static string FieldOf(V1PodTemplateSpec template, V1EnvVar variable) => variable.ValueFrom.FieldRef.FieldPath switch
    {
        "metadata.name" => Name,
        "spec.nodeName" => Node,
        // The template's, or since Kubernetes 1.35 the node's.
        "metadata.labels['topology.kubernetes.io/zone']" => template.Metadata.Labels.TryGetValue("topology.kubernetes.io/zone", out var zone) ? zone : Zone,
        var other => throw new InvalidOperationException($"{variable.Name} is from {other}, which this test does not know"),
    };
}
