namespace EchoHost.Peers;

/// <summary>How long an echo took, from before the first byte was sent.</summary>
/// <param name="FirstAnswer">Until the first bytes were back.</param>
/// <param name="RoundTrip">Until the last byte was back.</param>
internal readonly record struct EchoTimes(TimeSpan FirstAnswer, TimeSpan RoundTrip);
