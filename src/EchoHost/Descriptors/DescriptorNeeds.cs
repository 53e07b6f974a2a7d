using System.Runtime.CompilerServices;

namespace EchoHost.Descriptors;

/// <summary>
/// The number of file descriptors that the process itself needs. A test compares these figures with a running host.
/// </summary>
internal static class DescriptorNeeds
{
    /// <summary>
    /// The runtime keeps two descriptors for each loaded assembly. A host with TLS and pushed metrics loads about 112; a
    /// native file loads none.
    /// </summary>
    private const int PerAssembly = 2;
    private const int Assemblies = 112;

    /// <summary>
    /// All others: standard input, output and error, and the runtime's copies of these; the runtime's pipes for signals;
    /// two for each of a few event loops; listeners; the reserve; the log; health probes, both ends; pushed metrics;
    /// connections that are being accepted or rejected.
    /// </summary>
    private const int Besides = 96;

    /// <summary>The same figures for a command: one connection, a terminal, a name lookup.</summary>
    private const int CommandAssemblies = 48;
    private const int CommandBesides = 32;

    /// <summary>The minimum number of connections for which a host starts at all.</summary>
    private const int MinConnections = 16;

    /// <summary>The minimum number of HTTP connections; HTTP gets a sixteenth of all descriptors if that is more.</summary>
    public const int MinHttp = 16;

    /// <summary>The number of descriptors that a host needs besides its connections.</summary>
    public static int OfHost => Host(HasAssemblies);

    /// <summary>The minimum number of descriptors with which a host starts.</summary>
    public static int MinForHost => MinHost(HasAssemblies);

    /// <summary>The minimum number of descriptors with which a command starts.</summary>
    public static int MinForCommand => MinCommand(HasAssemblies);

    private static bool HasAssemblies => RuntimeFeature.IsDynamicCodeCompiled;

    // Tests ask for both, because the program that they start may be native while they are not.
    internal static int Host(bool hasAssemblies) => Besides + (hasAssemblies ? PerAssembly * Assemblies : 0);

    internal static int MinHost(bool hasAssemblies) => Host(hasAssemblies) + MinHttp + MinConnections;

    internal static int MinCommand(bool hasAssemblies) => CommandBesides + (hasAssemblies ? PerAssembly * CommandAssemblies : 0);
}
