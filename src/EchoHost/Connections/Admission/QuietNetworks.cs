using System.Net;
using EchoHost.Configuration;
using EchoHost.Text;

namespace EchoHost.Connections.Admission;

/// <summary>
/// The networks of <c>Echo:QuietNetworks</c>: their silent connections, such as health checks, are logged at Debug only.
/// </summary>
internal sealed class QuietNetworks(NetworkSet networks)
{
    public bool Contains(EndPoint? client) => ClientAddress.Of(client) is { } address && networks.Contains(address);

    public static QuietNetworks Read(SectionReader section) => new(section.Networks(nameof(QuietNetworks)));
}
