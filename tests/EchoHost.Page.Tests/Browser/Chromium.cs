using EchoHost.Tests.Browser;
using EchoHost.Tests.Infrastructure;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Chromium))]

namespace EchoHost.Tests.Browser;

/// <summary>
/// The system's Chromium, started once for all tests, when the first needs it: the headless shell where it is installed, which takes
/// half the CPU time of the whole browser.
/// </summary>
public sealed class Chromium : IAsyncDisposable
{
    /// <summary>What keeps a browser that only a test uses from asking the network for anything.</summary>
    private static readonly string[] Arguments =
    [
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic",
        "--disable-gpu",
    ];

    static Chromium() => Assertions.SetDefaultExpectTimeout((float)Wait.Limit.TotalMilliseconds);

    private readonly SemaphoreSlim _one = new(1);
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Opens the page of a host in a browser window of its own.</summary>
    internal async Task<HostPage> OpenAsync(EchoHostFixture host, BrowserNewContextOptions? options = null)
    {
        var browser = await StartAsync();
        options ??= new BrowserNewContextOptions();
        options.ViewportSize ??= new ViewportSize { Width = 1280, Height = 900 };
        options.ReducedMotion ??= ReducedMotion.Reduce;
        return await HostPage.OpenAsync(await browser.NewContextAsync(options), host.Http.BaseAddress!);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        _one.Dispose();
    }

    private async Task<IBrowser> StartAsync()
    {
        var path = Tool.Find("chromium-headless-shell") ?? Tool.Need("chromium");
        await _one.WaitAsync(Wait.Limit);
        try
        {
            _playwright ??= await Playwright.CreateAsync().WaitAsync(Wait.Limit);
            return _browser ??= await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
            {
                ExecutablePath = path,
                Args = Arguments,
                // Chromium's sandbox does not run as root.
                ChromiumSandbox = Environment.UserName != "root",
                Timeout = (float)Wait.Limit.TotalMilliseconds,
            });
        }
        finally
        {
            _one.Release();
        }
    }
}
