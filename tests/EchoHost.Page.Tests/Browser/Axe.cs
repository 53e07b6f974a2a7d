using Deque.AxeCore.Commons;
using Microsoft.Playwright;

namespace EchoHost.Tests.Browser;

/// <summary>axe-core, which finds what keeps people out of a page.</summary>
internal static class Axe
{
    private static readonly string Script = new BundledAxeScriptProvider().GetScript();

    /// <summary>Asserts that the page, as it is now, breaks none of axe-core's rules.</summary>
    /// <remarks>
    /// The script goes into the page itself, once. Deque's own binding to Playwright opens a second page for each check, to run there
    /// what joins the results of frames, which takes five times as long as the check.
    /// </remarks>
    public static async Task CheckAsync(IPage page)
    {
        if (!await page.EvaluateAsync<bool>("() => 'axe' in window"))
        {
            await page.EvaluateAsync(Script);
        }

        var violations = await page.EvaluateAsync<string[]>(
            """
            async () => {
                const { violations } = await axe.run({ resultTypes: ['violations'] });
                return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
            }
            """);
        Assert.Empty(violations);
    }
}
