using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;

namespace EchoHost.Benchmarks;

/// <summary>Runs the benchmarks that the arguments choose; <c>--help</c> tells how.</summary>
internal static class BenchmarksProgram
{
    private static void Main(string[] args)
    {
        // BenchmarkDotNet builds in Release what it has restored without saying so; EchoHost's project is not the same in both.
        var build = Job.Default.WithArguments([new MsBuildArgument("/p:Configuration=Release")]).AsMutator();
        BenchmarkSwitcher.FromAssembly(typeof(BenchmarksProgram).Assembly).Run(args, DefaultConfig.Instance.AddJob(build));
    }
}
