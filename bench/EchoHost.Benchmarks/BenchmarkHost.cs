using EchoHost.Hosting;
using Microsoft.AspNetCore.Builder;

namespace EchoHost.Benchmarks;

/// <summary>EchoHost in this process, on free ports of loopback and without log lines, for what needs its services.</summary>
internal static class BenchmarkHost
{
    public static WebApplication Build() => EchoHostBuilder.Build([
        "--Urls=http://127.0.0.1:0",
        "--Echo:Endpoints:Tcp:Url=tcp://127.0.0.1:0",
        "--Echo:LogMessages=false",
        "--Serilog:MinimumLevel:Default=Fatal"]);
}
