using System.Runtime.CompilerServices;

namespace EchoHost.Tests.Infrastructure;

/// <summary>What holds for the whole process that the tests run in.</summary>
internal static class TestProcess
{
    /// <summary>As many threads as the tests may ever block at once are there without the pool's hesitation, which is half a second for each.</summary>
    [ModuleInitializer]
    internal static void Prepare() => ThreadPool.SetMinThreads(16, 16);
}
