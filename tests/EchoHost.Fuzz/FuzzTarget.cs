namespace EchoHost.Fuzz;

/// <summary>One thing that reads what comes from outside, with what must hold of it.</summary>
/// <param name="Name">As the command line has it.</param>
/// <param name="Summary">What must hold, in a line.</param>
/// <param name="Check">Takes any bytes. An exception means that what must hold does not.</param>
/// <param name="Code">The type that is fuzzed; its assembly is instrumented.</param>
/// <param name="Seeds">
/// What the fuzzer begins with: valid and nearly valid inputs. Made only when asked for, and by the build as it is: instrumented
/// code runs under a fuzzer alone.
/// </param>
internal sealed record FuzzTarget(string Name, string Summary, Action<byte[]> Check, Type Code, Func<IEnumerable<byte[]>> Seeds);
