using EchoHost.Fuzz.Targets;

namespace EchoHost.Fuzz;

/// <summary>All fuzz targets.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        ProxyHeaderTarget.Target,
        ProxyTlvsTarget.Target,
        ProxyWriterTarget.Target,
        MessageTextTarget.Target,
        AllowedHostsTarget.Target,
        PeerFilterTarget.Target,
        AcceptTarget.Target,
        NetworkTarget.Target,
        DurationTarget.Target,
        AddressTarget.Target,
        ClientHelloTarget.Target,
        WhoReplyTarget.Target,
        PeerViewTarget.Target,
    ];

    public static FuzzTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);
}
