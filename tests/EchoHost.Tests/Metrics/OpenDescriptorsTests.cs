using EchoHost.Descriptors;
using EchoHost.Tests.Transport;

namespace EchoHost.Tests.Metrics;

[Collection(nameof(AloneTests))]
public class OpenDescriptorsTests
{
    [Fact]
    public void Each_open_file_is_one()
    {
        Assert.SkipUnless(OpenDescriptors.IsKnown, "the system does not tell");
        const int files = 500;
        var before = OpenDescriptors.Count();
        var open = Enumerable.Range(0, files).Select(_ => File.OpenRead("/dev/null")).ToList();
        // The runtime may open and close a few meanwhile.
        Assert.InRange(OpenDescriptors.Count() - before, files - 50, files + 50);
        open.ForEach(file => file.Dispose());
        Assert.InRange(OpenDescriptors.Count() - before, -50, 50);
        Assert.InRange(before, 3, long.MaxValue);
    }
}
