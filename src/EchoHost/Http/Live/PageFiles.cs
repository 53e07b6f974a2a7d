using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace EchoHost.Http.Live;

/// <summary>The files of the page, which the program carries in itself.</summary>
internal sealed class PageFiles
{
    /// <summary>What the project file puts before the names of embedded files.</summary>
    private const string Prefix = "page/";

    private static readonly FrozenDictionary<string, string> ContentTypes = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly Dictionary<string, PageFile> _files;

    /// <summary>Reads the files from the program.</summary>
    public PageFiles()
    {
        var program = typeof(PageFiles).Assembly;
        _files = program.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(name => name[Prefix.Length..], name => Read(program, name), StringComparer.Ordinal);
    }

    /// <summary>The names of all files.</summary>
    public IEnumerable<string> Names => _files.Keys;

    /// <summary>A file; null if there is none with the name.</summary>
    public PageFile? Find(string name) => _files.GetValueOrDefault(name);

    private static PageFile Read(Assembly program, string name)
    {
        using var content = program.GetManifestResourceStream(name)!;
        var bytes = new byte[content.Length];
        content.ReadExactly(bytes);
        var tag = Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8));
        return new PageFile(bytes, ContentTypes[Path.GetExtension(name)], new EntityTagHeaderValue($"\"{tag}\""));
    }
}

/// <summary>A file of the page.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="ContentType">Its content type.</param>
/// <param name="Tag">Changes with the content (RFC 9110, section 8.8.3).</param>
internal sealed record PageFile(byte[] Content, string ContentType, EntityTagHeaderValue Tag);
