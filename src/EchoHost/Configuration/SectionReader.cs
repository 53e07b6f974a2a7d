using System.Globalization;
using System.Reflection;

namespace EchoHost.Configuration;

/// <summary>
/// Reads a configuration section into an options object as the framework's binder does, but first compares the
/// section with the type: a key that the type does not have, or a value that it can't hold, is a problem that names
/// the key and the value. A typing error must not become a default.
/// </summary>
internal static class SectionReader
{
    private static readonly string[] SecretWords = ["Admin", "Certificate", "Password", "Token", "Secret"];

    /// <summary>
    /// Reads <paramref name="name"/> into a new <typeparamref name="T"/> by <paramref name="bind"/>, which is the binder's
    /// call where the type stands in plain sight, so that its code is generated; what is wrong is added to <paramref name="problems"/>.
    /// </summary>
    public static T Read<T>(IConfiguration configuration, string name, Func<IConfiguration, T?> bind, List<string> problems)
        where T : class, new()
    {
        var section = configuration.GetSection(name);
        var before = problems.Count;
        Compare(section, typeof(T), problems);
        return problems.Count == before ? bind(section) ?? new T() : new T();
    }

    private static void Compare(IConfigurationSection section, Type declared, List<string> problems)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        if (Expectation(type) is { } expectation)
        {
            CompareScalar(section, type, isOptional: type != declared || !type.IsValueType, expectation, problems);
        }
        else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>))
        {
            CompareEach(section, type.GetGenericArguments()[1], problems);
        }
        else if (type.IsArray)
        {
            CompareEach(section, type.GetElementType()!, problems);
        }
        else
        {
            CompareKeys(section, type, problems);
        }
    }

    private static void CompareScalar(IConfigurationSection section, Type type, bool isOptional, string expectation, List<string> problems)
    {
        if (section.GetChildren().Any())
        {
            problems.Add($"{section.Path} holds keys of its own; expected {expectation}");
        }
        else if (section.Value is { } value && !(value.Length == 0 && isOptional) && !CanHold(type, value))
        {
            problems.Add($"{section.Path} is '{section.Value}'; expected {expectation}");
        }
    }

    private static void CompareEach(IConfigurationSection section, Type type, List<string> problems)
    {
        RefuseScalar(section, problems);
        foreach (var child in section.GetChildren())
        {
            Compare(child, type, problems);
        }
    }

    private static void CompareKeys(IConfigurationSection section, Type type, List<string> problems)
    {
        RefuseScalar(section, problems);
        var known = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite).ToArray();
        foreach (var child in section.GetChildren())
        {
            if (Array.Find(known, p => string.Equals(p.Name, child.Key, StringComparison.OrdinalIgnoreCase)) is { } property)
            {
                Compare(child, property.PropertyType, problems);
            }
            else
            {
                problems.Add($"{child.Path} is not a key that this host knows{Shown(child)}; {section.Path} has {string.Join(", ", known.Select(p => p.Name))}");
            }
        }
    }

    /// <summary>A key beside a token or a password may be one, wrongly spelt.</summary>
    private static string Shown(IConfigurationSection section) =>
        Array.Exists(SecretWords, word => section.Path.Contains(word, StringComparison.OrdinalIgnoreCase)) ? "" : $" (value '{section.Value}')";

    private static void RefuseScalar(IConfigurationSection section, List<string> problems)
    {
        // An empty JSON array or object arrives as an empty string.
        if (!string.IsNullOrEmpty(section.Value))
        {
            problems.Add($"{section.Path} holds a value{Shown(section)}; expected keys below it");
        }
    }

    /// <summary>What a value of this type looks like, in words; null for a type that has keys below it.</summary>
    private static string? Expectation(Type type) => type switch
    {
        _ when type == typeof(string) => "text",
        _ when type == typeof(bool) => "true or false",
        _ when type == typeof(int) => "a whole number",
        _ when type == typeof(TimeSpan) => "hours, minutes and seconds, as in 00:00:30",
        _ when type.IsEnum => string.Join(", ", Enum.GetNames(type)),
        _ => null,
    };

    private static bool CanHold(Type type, string value) => type switch
    {
        _ when type == typeof(string) => true,
        _ when type == typeof(bool) => bool.TryParse(value, out _),
        _ when type == typeof(int) => int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
        // Strictly, since the lenient forms are traps: "30" would be thirty days, and so would "30:00:00".
        _ when type == typeof(TimeSpan) => TimeSpan.TryParseExact(value, "c", CultureInfo.InvariantCulture, out _) && value.Contains(':'),
        _ => Array.Exists(Enum.GetNames(type), n => string.Equals(n, value, StringComparison.OrdinalIgnoreCase)),
    };
}
