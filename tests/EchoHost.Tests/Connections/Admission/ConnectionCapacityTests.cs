using EchoHost.Configuration;
using EchoHost.Connections.Admission;
using EchoHost.Descriptors;

namespace EchoHost.Tests.Connections.Admission;

public class ConnectionCapacityTests
{
    [Theory]
    [InlineData(1024, 640, 64)]
    [InlineData(20000, 19424, 256)]
    [InlineData(1_048_576, 1_048_000, 256)]
    [InlineData(400, 55, 25)]
    [InlineData(352, 10, 22)]
    public void Everything_fits_into_the_descriptor_limit(int descriptors, int echo, int http) =>
        Assert.Equal(new ConnectionCapacity(echo, http, descriptors), ConnectionCapacity.From(null, descriptors));

    [Fact]
    public void Many_event_loops_take_descriptors_too()
    {
        Assert.Equal(640, ConnectionCapacity.From(null, 1024, eventLoops: 8).Echo);
        Assert.Equal(528, ConnectionCapacity.From(null, 1024, eventLoops: 64).Echo);
        Assert.Contains(
            "to 464 or more",
            Assert.Throws<ConfigurationException>(() => ConnectionCapacity.From(null, 400, eventLoops: 64)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_limit_what_is_configured_holds() =>
        Assert.Equal(7, ConnectionCapacity.From(7, null).Echo);

    [Fact]
    public void More_than_the_limit_allows_is_an_error_that_names_both_figures()
    {
        Assert.Equal(640, ConnectionCapacity.From(640, 1024).Echo);
        var problem = Assert.Single(Assert.Throws<ConfigurationException>(() => ConnectionCapacity.From(641, 1024)).Problems);
        Assert.StartsWith("Echo:Limits:MaxConnections is '641', but the limit of 1024 file descriptors allows 640", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_that_leaves_nothing_is_an_error() =>
        Assert.Contains(
            "the limit of 351 file descriptors leaves none for connections; raise it (ulimit -n) to 352 or more",
            Assert.Throws<ConfigurationException>(() => ConnectionCapacity.From(null, 351)).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("Max open files            1024                 1048576              files     ", 1024)]
    [InlineData("Max open files            unlimited            unlimited            files     ", null)]
    [InlineData("Max file locks            1                    1                    locks     ", null)]
    [InlineData("Max open files            4294967296           4294967296           files     ", int.MaxValue)]
    public void The_soft_limit_is_read_from_proc(string line, int? limit) =>
        Assert.Equal(limit, DescriptorLimit.Parse(["Limit                     Soft Limit           Hard Limit           Units     ", line]));
}
