namespace EchoHost.Http.Live;

/// <summary>The page: <c>GET /</c>, and its files below <c>/page/</c>.</summary>
internal static class PageEndpoint
{
    private const string Index = "index.html";

    /// <summary>
    /// Nothing but the page's own files and this host's answers: text from clients and peers could do nothing even if the page took
    /// it for markup.
    /// </summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    public static void MapPage(this IEndpointRouteBuilder app)
    {
        // Read when the page is first asked for: most hosts start without it.
        var files = new Lazy<PageFiles>();
        app.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], (HttpContext context) => Send(context, files.Value, Index));
        app.MapMethods("/page/{name}", [HttpMethods.Get, HttpMethods.Head], (string name, HttpContext context) => Send(context, files.Value, name));
    }

    private static IResult Send(HttpContext context, PageFiles files, string name)
    {
        if (files.Find(name) is not { } file)
        {
            return new HttpProblem(StatusCodes.Status404NotFound, null);
        }

        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        // Kept, but asked for each time: the answer is a short 304 until the program changes.
        headers.CacheControl = "no-cache";
        return Results.Bytes(file.Content, file.ContentType, entityTag: file.Tag);
    }
}
