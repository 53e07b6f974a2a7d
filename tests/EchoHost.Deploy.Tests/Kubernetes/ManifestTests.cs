using System.Globalization;
using EchoHost.Connections.ProxyProtocol;
using EchoHost.Deploy.Tests.Infrastructure;
using EchoHost.Drain;
using EchoHost.Endpoints;
using k8s.Models;

namespace EchoHost.Deploy.Tests.Kubernetes;

/// <summary>The manifests of <c>deploy/kubernetes</c>, in themselves and with the host's settings.</summary>
public class ManifestTests
{
    /// <summary>What can follow a drain: a collector of metrics that does not answer, a standard output that is not read, a busy node.</summary>
    private static readonly TimeSpan Reserve = TimeSpan.FromSeconds(5 + 3 + 5);

    public static TheoryData<string> Folders => [.. Manifest.Folders];

    [Fact]
    public void There_are_the_overlays_that_the_documentation_names() =>
        Assert.Equal(["base", "overlays/mesh", "overlays/mesh-zone", "overlays/nlb", "overlays/prometheus", "overlays/prometheus-operator"], Manifest.Folders);

    [Theory]
    [InlineData("base", "readinessProbe:", "readinessProb:")]
    [InlineData("base", "maxUnavailable: 1", "maxUnavailabel: 1")]
    [InlineData("base", "replicas: 2", "replicas: two")]
    [InlineData("base", "kind: NetworkPolicy", "kind: NetworkPolice")]
    [InlineData("overlays/mesh", "updateStrategy:", "strategy:")]
    [InlineData("overlays/prometheus-operator", "podMetricsEndpoints:", "podMetricEndpoints:")]
    [InlineData("overlays/prometheus-operator", "interval: 15s", "intervall: 15s")]
    [InlineData("overlays/prometheus-operator", "relabelings:", "relabeling:")]
    public async Task A_misspelt_field_is_refused(string folder, string field, string misspelt)
    {
        var yaml = await Manifest.RenderAsync(folder);
        Assert.Contains(field, yaml, StringComparison.Ordinal);
        Manifest.Parse(yaml);
        Assert.ThrowsAny<Exception>(() => Manifest.Parse(yaml.Replace(field, misspelt, StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task Every_name_and_selector_leads_to_something(string folder)
    {
        var manifest = await Manifest.ReadAsync(folder);
        var template = manifest.Template;

        AssertSelects(manifest.Selector.MatchLabels, template);
        Assert.Equal(["echohost", "echohost-peers"], manifest.All<V1Service>().Select(service => service.Metadata.Name).Order());
        Assert.All(manifest.All<V1Service>(), service =>
        {
            AssertSelects(service.Spec.Selector, template);
            Assert.All(service.Spec.Ports, port => Assert.Equal(port.Port, Pod.Port(template, port.TargetPort)));
        });
        Assert.All(manifest.All<V1PodDisruptionBudget>(), budget => AssertSelects(budget.Spec.Selector.MatchLabels, template));
        Assert.All(manifest.All<PodMonitor>(), monitor =>
        {
            AssertSelects(monitor.Spec.Selector.MatchLabels, template);
            Assert.All(monitor.Spec.PodMetricsEndpoints, endpoint => Assert.Equal(8080, Pod.Port(template, endpoint.Port)));
        });
        Assert.All(template.Spec.TopologySpreadConstraints ?? [], spread => AssertSelects(spread.LabelSelector.MatchLabels, template));
        Assert.Equal(Assert.Single(manifest.All<V1ServiceAccount>()).Metadata.Name, template.Spec.ServiceAccountName);
        Assert.Equal(
            Pod.Container(template).VolumeMounts?.Select(mount => mount.Name) ?? [],
            template.Spec.Volumes?.Select(volume => volume.Name) ?? []);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task Ports_are_those_on_which_the_host_listens(string folder)
    {
        var manifest = await Manifest.ReadAsync(folder);
        var template = manifest.Template;
        var settings = Image.Settings(Pod.Environment(template));
        var http = Assert.Single(settings.Endpoints.Http).Port;

        var named = settings.Endpoints.Raw.ToDictionary(endpoint => endpoint.Name == "Tcp" ? "echo" : endpoint.Name.ToLowerInvariant(), PortOf);
        named["http"] = http;
        Assert.Equal(named, Pod.Container(template).Ports.ToDictionary(port => port.Name, port => port.ContainerPort));

        var peers = manifest.Named<V1Service>("echohost-peers");
        Assert.Equal(("None", false), (peers.Spec.ClusterIP, peers.Spec.PublishNotReadyAddresses));
        Assert.Equal([named["echo"], http], peers.Spec.Ports.Select(port => port.Port));
        Assert.All(settings.Peers.Names, name => Assert.Equal(("echohost-peers", named["echo"]), (name.Host, name.Port)));
        Assert.Equal(folder.StartsWith("overlays/mesh", StringComparison.Ordinal), settings.Peers.Names.Count == 1);
        if (Pod.Environment(template).TryGetValue("Peers__HttpPort", out var peersHttp))
        {
            Assert.Equal(http.ToString(CultureInfo.InvariantCulture), peersHttp);
        }

        if (folder == "overlays/prometheus")
        {
            Assert.Equal(
                [("prometheus.io/path", "/metrics"), ("prometheus.io/port", $"{http}"), ("prometheus.io/scrape", "true")],
                template.Metadata.Annotations.Select(annotation => (annotation.Key, annotation.Value)).Order());
        }

        Assert.Equal(folder == "overlays/prometheus-operator" ? 1 : 0, manifest.All<PodMonitor>().Count());
    }

    /// <summary>The operator's own label of that name would make EchoHost's <c>exported_endpoint</c>, which no alert rule knows.</summary>
    [Fact]
    public async Task Under_the_operator_the_label_endpoint_is_the_hosts()
    {
        var monitor = Assert.Single((await Manifest.ReadAsync("overlays/prometheus-operator")).All<PodMonitor>());
        var relabeling = Assert.Single(Assert.Single(monitor.Spec.PodMetricsEndpoints).Relabelings);
        Assert.Equal(("labeldrop", "endpoint"), (relabeling.Action, relabeling.Regex));
    }

    /// <summary>HTTP shows clients' addresses. It must be in no Service with a balancer, and closed to what is outside the cluster.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public async Task Http_stays_inside_the_cluster(string folder)
    {
        var manifest = await Manifest.ReadAsync(folder);
        var template = manifest.Template;
        var settings = Image.Settings(Pod.Environment(template));
        var http = Assert.Single(settings.Endpoints.Http).Port;

        Assert.DoesNotContain(manifest.Named<V1Service>("echohost").Spec.Ports, port => port.Port == http);
        var policy = Assert.Single(manifest.All<V1NetworkPolicy>()).Spec;
        AssertSelects(policy.PodSelector.MatchLabels, template);
        Assert.Equal(["Ingress"], policy.PolicyTypes);
        var open = policy.Ingress.Where(rule => rule.FromProperty is not { Count: > 0 }).SelectMany(rule => rule.Ports);
        Assert.Equal(settings.Endpoints.Raw.Select(PortOf).Order(), open.Select(port => Pod.Port(template, port.Port)).Order());
        var inside = Assert.Single(policy.Ingress, rule => rule.FromProperty is { Count: > 0 });
        Assert.Equal(http, Pod.Port(template, Assert.Single(inside.Ports).Port));
        // Pods of all namespaces, and behind a balancer its health checks, which come from the addresses that are trusted.
        Assert.Empty(inside.FromProperty[0].NamespaceSelector.MatchLabels ?? new Dictionary<string, string>());
        Assert.Equal(settings.Echo.ProxyHeaders.TrustedProxies.Texts, inside.FromProperty.Skip(1).Select(from => from.IpBlock.Cidr));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task A_pod_has_the_time_that_its_drain_takes(string folder)
    {
        var template = (await Manifest.ReadAsync(folder)).Template;
        var drain = Image.Settings(Pod.Environment(template)).Echo.Drain;
        var container = Pod.Container(template);

        var preStop = TimeSpan.FromSeconds(container.Lifecycle?.PreStop?.Sleep?.Seconds ?? 0);
        var given = TimeSpan.FromSeconds(template.Spec.TerminationGracePeriodSeconds!.Value);
        Assert.InRange(given, preStop + DrainService.Longest(drain) + Reserve, preStop + DrainService.Longest(drain) + (2 * Reserve));
        Assert.True(drain.ReadinessDelay >= TimeSpan.FromSeconds(5), "the nodes need a while to learn that a pod ends");
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task Probes_ask_what_they_are_for_and_wait_long_enough(string folder)
    {
        var template = (await Manifest.ReadAsync(folder)).Template;
        var container = Pod.Container(template);
        var http = Assert.Single(Image.Settings(Pod.Environment(template)).Endpoints.Http).Port;

        V1Probe[] probes = [container.StartupProbe, container.ReadinessProbe, container.LivenessProbe];
        Assert.Equal(["/health/live", "/health/ready", "/health/live"], probes.Select(probe => probe.HttpGet.Path));
        Assert.All(probes, probe =>
        {
            Assert.Equal(http, Pod.Port(template, probe.HttpGet.Port));
            // The check of the echo endpoints gives up after two seconds.
            Assert.True(probe.TimeoutSeconds > 2);
        });
        Assert.True(container.StartupProbe.FailureThreshold * container.StartupProbe.PeriodSeconds >= 30);
    }

    /// <summary>What Kubernetes' own Pod Security Standard <c>restricted</c> asks for, and more.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public async Task A_pod_has_no_privileges(string folder)
    {
        var manifest = await Manifest.ReadAsync(folder);
        var pod = manifest.Template.Spec;
        var container = Pod.Container(manifest.Template);

        Assert.False(pod.AutomountServiceAccountToken);
        Assert.All(manifest.All<V1ServiceAccount>(), account => Assert.False(account.AutomountServiceAccountToken));
        Assert.False(pod.EnableServiceLinks);
        Assert.True(pod.SecurityContext.RunAsNonRoot);
        Assert.True(pod.SecurityContext.RunAsUser > 0);
        Assert.Equal("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
        Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
        Assert.Null(container.SecurityContext.Capabilities.Add);
        Assert.True(pod.HostNetwork is null or false);
    }

    /// <summary>A client that does not read holds a block of 64 KiB: if all do, they fit, with room for the rest of the process.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public async Task The_memory_suffices_for_the_connections_that_are_let_in(string folder)
    {
        var template = (await Manifest.ReadAsync(folder)).Template;
        var limit = Pod.Container(template).Resources.Limits["memory"].ToDecimal();
        Assert.True(limit > (64 << 20) + (64 << 10) * (decimal)Image.Settings(Pod.Environment(template)).Capacity.Echo);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task The_image_is_of_this_version(string folder)
    {
        var template = (await Manifest.ReadAsync(folder)).Template;
        var version = typeof(DrainService).Assembly.GetName().Version!;
        Assert.Equal($"echohost:{version.ToString(3)}", Pod.Container(template).Image);
    }

    [Theory]
    [InlineData("base", Pod.Zone)]
    [InlineData("overlays/mesh", Pod.Zone)]
    [InlineData("overlays/mesh-zone", "eu-central-1a")]
    public async Task A_host_says_where_it_runs(string folder, string zone)
    {
        var template = (await Manifest.ReadAsync(folder)).Template;
        var instance = Image.Settings(Pod.Environment(template)).Instance;
        Assert.Equal(Pod.Name, instance.Name);
        Assert.Equal(
            [KeyValuePair.Create("node", Pod.Node), KeyValuePair.Create("zone", zone)],
            instance.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => KeyValuePair.Create(label.Key, label.Value)));
    }

    /// <summary>This overlay names its zone, where the others have that of the node they happen to be on.</summary>
    [Fact]
    public async Task The_pods_of_a_zone_are_on_its_nodes()
    {
        var template = (await Manifest.ReadAsync("overlays/mesh-zone")).Template;
        Assert.Equal([KeyValuePair.Create("topology.kubernetes.io/zone", "eu-central-1a")], template.Spec.NodeSelector);
    }

    /// <summary>
    /// NLB cuts the connections of a target that turns unhealthy, unless it is told otherwise; the drain would lose them.
    /// </summary>
    [Fact]
    public async Task The_balancer_of_the_overlay_nlb_leaves_a_drain_its_time()
    {
        const string prefix = "service.beta.kubernetes.io/aws-load-balancer-";
        var manifest = await Manifest.ReadAsync("overlays/nlb");
        var settings = Image.Settings(Pod.Environment(manifest.Template));
        var drain = settings.Echo.Drain;
        var service = manifest.Named<V1Service>("echohost");
        var annotations = service.Metadata.Annotations.ToDictionary(a => a.Key[prefix.Length..], a => a.Value);
        var attributes = annotations["target-group-attributes"].Split(',').Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

        Assert.Equal(("LoadBalancer", "service.k8s.aws/nlb", "ip"), (service.Spec.Type, service.Spec.LoadBalancerClass, annotations["nlb-target-type"]));
        Assert.Equal("false", attributes["target_health_state.unhealthy.connection_termination.enabled"]);
        Assert.Equal("false", attributes["deregistration_delay.connection_termination.enabled"]);
        Assert.True(Seconds(attributes["target_health_state.unhealthy.draining_interval_seconds"]) > DrainService.Longest(drain));
        Assert.True(Seconds(attributes["deregistration_delay.timeout_seconds"]) > DrainService.Longest(drain));

        // Connections come from the balancer, each with a header; TLS is passed through.
        Assert.Equal(("*", "false"), (annotations["proxy-protocol"], attributes["preserve_client_ip.enabled"]));
        Assert.All(settings.Endpoints.Raw, endpoint => Assert.Equal(ProxyProtocolMode.Required, endpoint.ProxyProtocol));
        Assert.Equal(ProxyProtocolMode.Optional, settings.Http.ProxyProtocol);
        Assert.Contains(settings.Endpoints.Raw, endpoint => endpoint.IsTls);
        Assert.DoesNotContain(annotations.Keys, key => key.StartsWith("ssl", StringComparison.Ordinal));

        // The health check sees the drain long before it ends.
        Assert.Equal(("http", "8080"), (annotations["healthcheck-protocol"], annotations["healthcheck-port"]));
        Assert.Equal(("/health/ready", "200"), (annotations["healthcheck-path"], annotations["healthcheck-success-codes"]));
        var noticed = Seconds(annotations["healthcheck-interval"]) * int.Parse(annotations["healthcheck-unhealthy-threshold"], CultureInfo.InvariantCulture);
        Assert.True(drain.ReadinessDelay > noticed + TimeSpan.FromSeconds(40));
        // NLB forgets what is silent for longer.
        Assert.True(settings.Echo.Timeouts.IdleTimeout < TimeSpan.FromSeconds(350));
    }

    private static void AssertSelects(IDictionary<string, string> selector, V1PodTemplateSpec template)
    {
        Assert.NotEmpty(selector);
        Assert.All(selector, label => Assert.Equal(label.Value, template.Metadata.Labels[label.Key]));
    }

    private static int PortOf(ListenEndpoint endpoint) => ((System.Net.IPEndPoint)endpoint.Addresses[0]).Port;

    private static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(int.Parse(text, CultureInfo.InvariantCulture));
}
