using System.Collections.Concurrent;
using EchoHost.Tests.Infrastructure;
using Microsoft.Playwright;

namespace EchoHost.Tests.Browser;

/// <summary>A host's page in a browser. At the end the browser must have had nothing to complain about.</summary>
internal sealed class HostPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _complaints = new();

    private HostPage(IBrowserContext context, IPage page)
    {
        _context = context;
        Page = page;
        page.SetDefaultTimeout((float)Wait.Limit.TotalMilliseconds);
        page.PageError += (_, error) => _complaints.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _complaints.Enqueue(message.Text);
            }
        };
        page.Dialog += (_, dialog) => _complaints.Enqueue($"a dialog: {dialog.Message}");
    }

    public IPage Page { get; }

    /// <summary>Whether the browser may complain: of requests that fail while the host is gone, for example.</summary>
    public Func<string, bool> MayComplain { get; set; } = _ => false;

    public static async Task<HostPage> OpenAsync(IBrowserContext context, Uri address)
    {
        var page = new HostPage(context, await context.NewPageAsync());
        await page.Page.GotoAsync(address.ToString());
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        Assert.DoesNotContain(_complaints, complaint => !MayComplain(complaint));
    }
}
