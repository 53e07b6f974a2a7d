using EchoHost.Configuration;
using EchoHost.Descriptors;

namespace EchoHost.Commands;

/// <summary>
/// Checks before a command begins that the limit of file descriptors is high enough: the runtime does not survive running
/// out of them.
/// </summary>
internal static class DescriptorCheck
{
    /// <summary>
    /// The number of descriptors that the process needs besides its connections: the runtime keeps two for each assembly,
    /// and TLS and the progress display have assemblies of their own.
    /// </summary>
    private const int Own = 192;

    /// <summary>The limit that is enough for one connection.</summary>
    private const int MinForOne = 128;

    /// <summary>Checks that the limit allows one connection.</summary>
    /// <exception cref="ConfigurationException">The limit is too low.</exception>
    public static void One()
    {
        if (DescriptorLimit.Read() is { } limit && limit < MinForOne)
        {
            throw TooLow(limit, MinForOne);
        }
    }

    /// <summary>Checks that the limit allows the connections that an option asks for.</summary>
    /// <param name="option">The option's name.</param>
    /// <param name="connections">The number of connections.</param>
    /// <exception cref="ConfigurationException">The limit is too low.</exception>
    public static void Connections(string option, int connections)
    {
        if (DescriptorLimit.Read() is { } limit && connections > limit - Own)
        {
            throw new ConfigurationException(limit > Own
                ? $"{option} is '{connections}', but the limit of {limit} file descriptors allows {limit - Own}; raise it (ulimit -n) or ask for less"
                : TooLow(limit, Own + connections).Problems[0]);
        }
    }

    private static ConfigurationException TooLow(int limit, int needed) =>
        new($"the limit of {limit} file descriptors is too low; raise it (ulimit -n) to {needed} or more");
}
