using EchoHost.Configuration;
using EchoHost.Descriptors;

namespace EchoHost.Commands;

/// <summary>Looks before a command begins whether the limit of file descriptors allows it: the runtime does not survive running out of them.</summary>
internal static class DescriptorCheck
{
    /// <summary>
    /// What the process needs besides its connections: the runtime keeps two for each assembly, and TLS and the progress
    /// have assemblies of their own.
    /// </summary>
    private const int Own = 192;

    /// <summary>One connection needs no more than this.</summary>
    private const int MinForOne = 128;

    /// <summary>Checks that one connection is possible.</summary>
    /// <exception cref="ConfigurationException">It is not.</exception>
    public static void One()
    {
        if (DescriptorLimit.Read() is { } limit && limit < MinForOne)
        {
            throw TooLow(limit, MinForOne);
        }
    }

    /// <summary>Checks that an option does not ask for too many.</summary>
    /// <param name="option">The option, as the user wrote it.</param>
    /// <param name="connections">How many connections it asks for.</param>
    /// <exception cref="ConfigurationException">It does.</exception>
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
