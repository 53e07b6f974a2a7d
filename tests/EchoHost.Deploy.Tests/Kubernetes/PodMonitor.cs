using k8s;
using k8s.Models;

namespace EchoHost.Deploy.Tests.Kubernetes;

/// <summary>
/// The Prometheus operator's PodMonitor, as far as the manifests use it. Kubernetes' own models do not have it; what is not
/// here is an unknown field.
/// </summary>
internal sealed class PodMonitor : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public PodMonitorSpec Spec { get; set; } = new();
}

internal sealed class PodMonitorSpec
{
    public V1LabelSelector Selector { get; set; } = new();

    public List<PodMetricsEndpoint> PodMetricsEndpoints { get; set; } = [];
}

internal sealed class PodMetricsEndpoint
{
    public string Port { get; set; } = "";

    public string Path { get; set; } = "";

    public string Interval { get; set; } = "";

    public List<PodRelabeling> Relabelings { get; set; } = [];
}

internal sealed class PodRelabeling
{
    public string Action { get; set; } = "";

    public string Regex { get; set; } = "";
}
