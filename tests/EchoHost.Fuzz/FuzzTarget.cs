namespace EchoHost.Fuzz;

/// <summary>Code that reads bytes from outside, with the property that must hold for it.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="Summary">The property, in one line.</param>
/// <param name="Check">Accepts any bytes. Throws if the property does not hold.</param>
/// <param name="Code">The type that is fuzzed; its assembly is instrumented.</param>
/// <param name="Seeds">
/// The fuzzer's first inputs: valid and nearly valid ones. Generated on demand, and only by the ordinary build:
/// instrumented code runs only under a fuzzer.
/// </param>
internal sealed record FuzzTarget(string Name, string Summary, Action<byte[]> Check, Type Code, Func<IEnumerable<byte[]>> Seeds);
