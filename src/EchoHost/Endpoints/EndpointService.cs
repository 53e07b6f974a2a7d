namespace EchoHost.Endpoints;

/// <summary>What a raw endpoint does with a connection; also how the configuration spells it.</summary>
internal enum EndpointService
{
    /// <summary>Sends every byte back.</summary>
    Echo,

    /// <summary>Sends one JSON line about the connection, then FIN.</summary>
    Who,
}
