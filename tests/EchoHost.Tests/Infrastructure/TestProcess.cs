using System.Runtime.CompilerServices;

namespace EchoHost.Tests.Infrastructure;

/// <summary>Settings for the whole test process.</summary>
internal static class TestProcess
{
    /// <summary>
    /// Makes the thread pool create all threads that tests may block at once without its delay of half a second for each.
    /// </summary>
    [ModuleInitializer]
    internal static void Prepare() => ThreadPool.SetMinThreads(16, 16);
}
