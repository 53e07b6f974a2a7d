namespace EchoHost.Peers.Who;

/// <summary>How connections were spread over the instances that answered.</summary>
/// <param name="Instances">The instances, sorted by name.</param>
/// <param name="Others">The number of connections that further instances answered, beyond the number that is kept.</param>
/// <param name="Sources">The number of source addresses.</param>
/// <param name="SplitSources">The number of source addresses that met more than one instance.</param>
internal sealed record Spread(IReadOnlyList<InstanceShare> Instances, long Others, int Sources, int SplitSources)
{
    /// <summary>
    /// A difference counts as more than chance if chance makes one as large, or larger, less than once in 1,000 times: the
    /// standard normal distribution's quantile for 0.999.
    /// </summary>
    private const double Quantile = 3.0902;

    /// <summary>The test needs at least so many connections for each instance.</summary>
    private const int MinExpected = 5;

    /// <summary>The number of connections that were answered.</summary>
    public long Connections => Instances.Sum(instance => instance.Connections) + Others;

    /// <summary>The share of an even spread, 0 to 1.</summary>
    public double EvenShare => 1.0 / Instances.Count;

    /// <summary>An instance's share, 0 to 1.</summary>
    public double ShareOf(InstanceShare instance) => (double)instance.Connections / Connections;

    /// <summary>
    /// Whether the difference from an even spread is more than chance, by Pearson's chi-squared test; null if there are too few
    /// connections, or too many instances, to tell. Instances that never answered are not known, so they do not count.
    /// </summary>
    public bool? IsUneven
    {
        get
        {
            if (Instances.Count < 2)
            {
                return false;
            }

            if (Others > 0)
            {
                return null;
            }

            var expected = Connections * EvenShare;
            if (expected < MinExpected)
            {
                return null;
            }

            var statistic = Instances.Sum(instance => Math.Pow(instance.Connections - expected, 2) / expected);
            return statistic > CriticalValue(Instances.Count - 1);
        }
    }

    /// <summary>
    /// The value that the statistic exceeds by chance once in 1,000 times. The approximation of Wilson and Hilferty (1931) is
    /// accurate to 3 % for two instances, and better for more.
    /// </summary>
    private static double CriticalValue(int degreesOfFreedom)
    {
        var variance = 2.0 / (9 * degreesOfFreedom);
        return degreesOfFreedom * Math.Pow(1 - variance + (Quantile * Math.Sqrt(variance)), 3);
    }
}
