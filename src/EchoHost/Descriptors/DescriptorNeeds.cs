using System.Runtime.CompilerServices;

namespace EchoHost.Descriptors;

/// <summary>How many file descriptors the process needs for itself. A test compares these figures with what a host holds.</summary>
internal static class DescriptorNeeds
{
    /// <summary>
    /// The runtime keeps two for each assembly that it has loaded, of which a host has some ninety, with TLS and pushed
    /// metrics; compiled to a native file there are none.
    /// </summary>
    private const int PerAssembly = 2;
    private const int Assemblies = 96;

    /// <summary>
    /// Standard input, output and error, and the runtime's copies of these; its pipes for signals; two for each of a few
    /// event loops; listeners; the reserve; the log; health probes, both ends; pushed metrics; connections on their way
    /// in and out.
    /// </summary>
    private const int Besides = 96;

    /// <summary>A command's share of the same: one connection, a terminal, a name to look up.</summary>
    private const int CommandAssemblies = 48;
    private const int CommandBesides = 32;

    /// <summary>With fewer connections than this, hardly anybody could connect.</summary>
    private const int MinConnections = 16;

    /// <summary>HTTP has a sixteenth of all descriptors, and no fewer than this.</summary>
    public const int MinHttp = 16;

    /// <summary>What a host needs besides its connections.</summary>
    public static int OfHost => Host(HasAssemblies);

    /// <summary>The least with which a host starts.</summary>
    public static int MinForHost => MinHost(HasAssemblies);

    /// <summary>The least with which a command starts.</summary>
    public static int MinForCommand => MinCommand(HasAssemblies);

    private static bool HasAssemblies => RuntimeFeature.IsDynamicCodeCompiled;

    // A test asks for either, since the program that it starts may be of the other kind than itself.
    internal static int Host(bool hasAssemblies) => Besides + (hasAssemblies ? PerAssembly * Assemblies : 0);

    internal static int MinHost(bool hasAssemblies) => Host(hasAssemblies) + MinHttp + MinConnections;

    internal static int MinCommand(bool hasAssemblies) => CommandBesides + (hasAssemblies ? PerAssembly * CommandAssemblies : 0);
}
