using BenchmarkDotNet.Running;

BenchmarkSwitcher.FromAssembly(typeof(EchoHost.Benchmarks.ProxyHeaderParserBenchmarks).Assembly).Run(args);
