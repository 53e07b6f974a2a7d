using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace EchoHost.Tests.Infrastructure;

/// <summary>A real load balancer with the test's configuration.</summary>
internal sealed class Balancer : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("echohost-balancer").FullName;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly List<HeldPort> _ports = [];
    private Process? _process;

    private Balancer()
    {
    }

    /// <summary>The end points it listens on, in the order of its ports.</summary>
    public IReadOnlyList<IPEndPoint> Fronts { get; private set; } = [];

    /// <summary>Its output.</summary>
    public IEnumerable<string> Output => _output;

    /// <summary>Starts Debian's HAProxy.</summary>
    /// <param name="fronts">The number of ports it listens on.</param>
    /// <param name="configuration">Returns the sections after <c>defaults</c>, for the given ports.</param>
    public static Task<Balancer> HAProxyAsync(int fronts, Func<int[], string> configuration)
    {
        var program = Tool.Need("haproxy");
        return StartAsync(fronts, program, (folder, ports) => (["-db", "-f", Write(folder, "haproxy.cfg", $"""
            global
              maxconn 4000
            defaults
              mode tcp
              timeout connect 1m
              timeout client 2m
              timeout server 2m
              timeout check 1m
            {configuration(ports)}

            """)]));
    }

    /// <summary>Starts Debian's nginx with its stream module.</summary>
    /// <param name="fronts">The number of ports it listens on.</param>
    /// <param name="configuration">Returns the content of <c>stream</c>, for the given ports.</param>
    public static Task<Balancer> NginxAsync(int fronts, Func<int[], string> configuration)
    {
        var program = Tool.Need("nginx");
        var module = Tool.Need("/usr/lib/nginx/modules/ngx_stream_module.so");
        return StartAsync(fronts, program, (folder, ports) => ["-p", folder, "-e", $"{folder}/error.log", "-c", Write(folder, "nginx.conf", $$"""
            load_module {{module}};
            daemon off;
            pid {{folder}}/nginx.pid;
            error_log {{folder}}/error.log;
            events { }
            stream {
              {{configuration(ports)}}
            }

            """)]);
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(Wait.Limit);
        }

        _process?.Dispose();
        _ports.ForEach(held => held.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    private static string Write(string folder, string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static async Task<Balancer> StartAsync(int fronts, string program, Func<string, int[], string[]> arguments)
    {
        // Balancers don't support port 0. They bind with SO_REUSEADDR, as this process does, so they can listen on ports
        // that it holds.
        var balancer = new Balancer();
        try
        {
            balancer._ports.AddRange(Enumerable.Range(0, fronts).Select(_ => new HeldPort()));
            int[] ports = [.. balancer._ports.Select(held => held.Port)];
            balancer.Fronts = [.. ports.Select(port => new IPEndPoint(IPAddress.Loopback, port))];
            balancer.Run(program, arguments(balancer._folder, ports));
            Assert.True(await balancer.ListensAsync(), $"{program} does not start:\n{string.Join('\n', balancer._output)}");
            return balancer;
        }
        catch
        {
            balancer.Dispose();
            throw;
        }
    }

    private void Run(string program, string[] arguments)
    {
        _process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true } };
        _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task<bool> ListensAsync()
    {
        var isUp = false;
        await Wait.UntilAsync(() => _process!.HasExited || (isUp = Fronts.All(IsListening)), "the balancer listens");
        return isUp;
    }

    /// <summary>Checks from outside, because a connection would be passed on to the host.</summary>
    private static bool IsListening(IPEndPoint front) =>
        System.Net.NetworkInformation.IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Contains(front);
}
