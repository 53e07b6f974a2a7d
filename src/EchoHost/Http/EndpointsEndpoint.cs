using System.Text.Json;
using EchoHost.Configuration;
using EchoHost.Connections.Faults;
using EchoHost.Endpoints;
using EchoHost.Metrics;

namespace EchoHost.Http;

/// <summary>
/// The raw endpoints: <c>GET /endpoints</c>; and their faults: <c>PUT</c> and <c>DELETE /endpoints/{name}/faults</c>, which need the token.
/// </summary>
internal static partial class EndpointsEndpoint
{
    private const string DurationParameter = "for";
    private const int MaxBytes = 64 * 1024;

    private static readonly TimeSpan MinDuration = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxDuration = TimeSpan.FromDays(1);

    public static void MapEndpoints(this IEndpointRouteBuilder app)
    {
        app.MapMethods("/endpoints", [HttpMethods.Get, HttpMethods.Head], List);
        app.MapPut("/endpoints/{name}/faults", SetAsync).AddEndpointFilter(AdminEndpoints.RequireTokenAsync);
        app.MapDelete("/endpoints/{name}/faults", Clear).AddEndpointFilter(AdminEndpoints.RequireTokenAsync);
    }

    private static IResult List(HttpContext context, ListenEndpoints endpoints, BoundEndpoints bound, EchoMetrics metrics, FaultSettings settings)
    {
        if (HttpProblem.OfParameters(context) is { } problem)
        {
            return problem;
        }

        var list = endpoints.Raw.Select(endpoint => EndpointDescription.Of(endpoint, bound, metrics, settings.Of(endpoint.Name)));
        return Results.Json(new EndpointList([.. list]), EndpointsJson.Default.EndpointList);
    }

    private static async Task<IResult> SetAsync(
        string name,
        HttpContext context,
        ListenEndpoints endpoints,
        BoundEndpoints bound,
        EchoMetrics metrics,
        FaultSettings settings,
        ILoggerFactory loggers)
    {
        if (Find(name, endpoints) is not { } endpoint)
        {
            return NotFound(name, endpoints);
        }

        if (ProblemOf(context.Request.Query, out var duration) is { } problem)
        {
            return new HttpProblem(StatusCodes.Status400BadRequest, problem);
        }

        try
        {
            var options = await ReadAsync(context);
            var faults = settings.Of(endpoint.Name);
            faults.Set(options, duration);
            var logger = loggers.CreateLogger(typeof(EndpointsEndpoint));
            LogSet(logger, AdminEndpoints.Administrator(context), endpoint.Name, options.ToString(), Duration.Format(duration));
            return Results.Json(EndpointDescription.Of(endpoint, bound, metrics, faults), EndpointsJson.Default.EndpointDescription);
        }
        catch (BadHttpRequestException e)
        {
            return RequestBody.ProblemOf(e, MaxBytes);
        }
        catch (ConfigurationException e)
        {
            return new HttpProblem(StatusCodes.Status400BadRequest, string.Join("; ", e.Problems));
        }
    }

    private static IResult Clear(string name, HttpContext context, ListenEndpoints endpoints, FaultSettings settings, ILoggerFactory loggers)
    {
        if (Find(name, endpoints) is not { } endpoint)
        {
            return NotFound(name, endpoints);
        }

        if (HttpProblem.OfParameters(context) is { } problem)
        {
            return problem;
        }

        settings.Of(endpoint.Name).Clear();
        LogCleared(loggers.CreateLogger(typeof(EndpointsEndpoint)), AdminEndpoints.Administrator(context), endpoint.Name);
        return Results.NoContent();
    }

    private static ListenEndpoint? Find(string name, ListenEndpoints endpoints) =>
        endpoints.Raw.FirstOrDefault(endpoint => endpoint.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static HttpProblem NotFound(string name, ListenEndpoints endpoints) =>
        new(StatusCodes.Status404NotFound, $"no endpoint is called '{name}'; there are {string.Join(", ", endpoints.Raw.Select(endpoint => endpoint.Name))}");

    /// <summary>Describes what is wrong with the parameters; null if they are valid.</summary>
    private static string? ProblemOf(IQueryCollection query, out TimeSpan duration)
    {
        duration = default;
        if (query.Keys.FirstOrDefault(key => !key.Equals(DurationParameter, StringComparison.OrdinalIgnoreCase)) is { } unknown)
        {
            return $"{unknown} is no parameter of this call; it has {DurationParameter}";
        }

        var text = query[DurationParameter].ToString();
        return text.Length == 0 ? $"{DurationParameter} is missing: the time after which the faults end, as in for=5m"
            : !Duration.TryParse(text, out duration) ? $"{DurationParameter} is '{text}'; expected {Duration.Expected}"
            : duration < MinDuration || duration > MaxDuration
                ? $"{DurationParameter} is '{text}'; expected {Duration.Format(MinDuration)} to {Duration.Format(MaxDuration)}"
            : null;
    }

    /// <summary>Reads the body, with the same keys and checks as the configuration.</summary>
    /// <exception cref="ConfigurationException">The body can't be used.</exception>
    private static async Task<FaultOptions> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream(await RequestBody.ReadAsync(context, MaxBytes));
        var problems = new ConfigurationProblems();
        var options = SectionReader.Read(Parse(body), FaultOptions.SectionName, FaultOptions.ReadOrNone, problems);
        problems.ThrowIfAny();
        return options ?? throw new ConfigurationException("the body names no fault; to end faults, use DELETE");
    }

    private static IConfiguration Parse(Stream json)
    {
        try
        {
            var root = new ConfigurationBuilder().AddJsonStream(json).Build();
            var keys = root.AsEnumerable().Select(pair => KeyValuePair.Create($"{FaultOptions.SectionName}:{pair.Key}", pair.Value));
            return new ConfigurationBuilder().AddInMemoryCollection(keys).Build();
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidDataException)
        {
            throw new ConfigurationException("the body is not a JSON object");
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Administrator at {Administrator:l} makes endpoint {Endpoint:l} misbehave: {Faults:l}, for {Duration:l}")]
    private static partial void LogSet(ILogger logger, string administrator, string endpoint, string faults, string duration);

    [LoggerMessage(2, LogLevel.Information, "Administrator at {Administrator:l} ends the faults of endpoint {Endpoint:l}")]
    private static partial void LogCleared(ILogger logger, string administrator, string endpoint);
}
