namespace EchoHost.Drain;

/// <summary>How far the host is on its way out. Only ever moves forward.</summary>
internal sealed class DrainState
{
    private volatile bool _isDraining;
    private volatile bool _turnsAway;

    /// <summary>The host has been asked to stop: it is unready from here on.</summary>
    public bool IsDraining => _isDraining;

    /// <summary>The readiness delay is over: new connections are turned away.</summary>
    public bool TurnsAway => _turnsAway;

    /// <summary>The state as <c>/connections</c> spells it.</summary>
    public string Label => _isDraining ? "draining" : "accepting";

    public void BeginDraining() => _isDraining = true;

    public void BeginTurningAway() => _turnsAway = true;
}
