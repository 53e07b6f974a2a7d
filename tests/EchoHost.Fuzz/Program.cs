using EchoHost.Fuzz;
using SharpFuzz;

const int done = 0, failed = 1, wrongUsage = 2;

switch (args)
{
    case ["targets"]:
        foreach (var target in FuzzTargets.All)
        {
            Console.WriteLine($"{target.Name}\t{target.Summary}");
        }

        return done;

    case ["seeds", var name, var folder] when FuzzTargets.Find(name) is { } target:
        foreach (var (i, seed) in target.Seeds().Index())
        {
            File.WriteAllBytes(Path.Combine(folder, $"seed-{i:d3}"), seed);
        }

        return done;

    case ["instrument", var folder]:
        // Instruments copies, because this process runs from the original files.
        foreach (var assembly in FuzzTargets.All.Select(target => Path.GetFileName(target.Code.Assembly.Location)).Distinct())
        {
            var types = Fuzzer.Instrument(Path.Combine(folder, assembly), _ => true, Options.Value);
            Console.WriteLine($"{assembly}: {types.Count()} types");
        }

        return done;

    // afl-fuzz starts this command and passes it one input after another.
    case ["fuzz", var name] when FuzzTargets.Find(name) is { } target:
        Fuzzer.OutOfProcess.Run(input =>
        {
            using var bytes = new MemoryStream();
            input.CopyTo(bytes);
            target.Check(bytes.ToArray());
        });
        return done;

    // Runs inputs that were found once more, and prints the reason.
    case ["check", var name, .. { Length: > 0 } files] when FuzzTargets.Find(name) is { } target:
        return files.Select(file => IsFine(target, File.ReadAllBytes(file), file)).ToArray().All(fine => fine) ? done : failed;

    case ["check"]:
        var isFine = true;
        foreach (var target in FuzzTargets.All)
        {
            foreach (var (i, seed) in target.Seeds().Index())
            {
                isFine &= IsFine(target, seed, $"seed {i}");
            }
        }

        return isFine ? done : failed;

    default:
        Console.Error.WriteLine("expected: targets | seeds TARGET FOLDER | instrument FOLDER | fuzz TARGET | check [TARGET FILE…]");
        return wrongUsage;
}

static bool IsFine(FuzzTarget target, byte[] input, string name)
{
    try
    {
        target.Check(input);
        return true;
    }
    catch (Exception e)
    {
        Console.WriteLine($"{target.Name}: {name}: {e}");
        return false;
    }
}
