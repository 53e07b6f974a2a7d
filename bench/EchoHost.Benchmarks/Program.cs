using BenchmarkDotNet.Running;

namespace EchoHost.Benchmarks;

/// <summary>Runs the benchmarks that the arguments choose; <c>--help</c> tells how.</summary>
internal static class BenchmarksProgram
{
    private static void Main(string[] args) => BenchmarkSwitcher.FromAssembly(typeof(BenchmarksProgram).Assembly).Run(args);
}
