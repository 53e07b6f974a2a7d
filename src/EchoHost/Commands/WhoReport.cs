using System.Globalization;
using System.Text;
using System.Text.Json;
using EchoHost.Peers;
using EchoHost.Peers.Who;
using EchoHost.Text;

namespace EchoHost.Commands;

/// <summary>How connections were spread over instances, as text and as JSON.</summary>
internal sealed class WhoReport(WhoSurvey survey)
{
    private const string Heading = "instance";

    private readonly Spread _spread = survey.Tally.ToSpread();

    /// <summary>One JSON object on one line.</summary>
    public string ToJson() => JsonText.Of(WriteTo);

    /// <summary>Writes the same object as part of another one.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("connections", _spread.Connections);
        json.WriteStartArray("instances");
        foreach (var instance in _spread.Instances)
        {
            json.WriteStartObject();
            json.WriteString("instance", instance.Name);
            json.WriteNumber("connections", instance.Connections);
            json.WriteNumber("share", Math.Round(_spread.ShareOf(instance), 4));
            WriteTimes(json, "connectMicroseconds", instance.Connect);
            WriteTimes(json, "answerMicroseconds", instance.Answer);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (_spread.Others > 0)
        {
            json.WriteNumber("byOtherInstances", _spread.Others);
        }

        if (_spread.IsUneven is { } isUneven)
        {
            json.WriteBoolean("moreThanChance", isUneven);
        }
        else
        {
            json.WriteNull("moreThanChance");
        }

        json.WriteStartObject("sourceAddresses");
        json.WriteNumber("count", _spread.Sources);
        json.WriteNumber("withSeveralInstances", _spread.SplitSources);
        json.WriteEndObject();
        json.WriteStartObject("errors");
        foreach (var (result, count) in survey.Tally.ErrorsByClass)
        {
            json.WriteNumber(result.Label(), count);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>A table of the instances, and what it means.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{survey.Target.Name}: {ConnectionText.Counted(_spread.Connections, "connection")} answered");
        if (ConnectionText.Of(survey.Target, survey.Tally) is { } addresses)
        {
            text.AppendLine(addresses);
        }

        if (_spread.Instances.Count > 0)
        {
            AppendInstances(text);
            text.AppendLine().AppendLine(Evenness()).AppendLine(Stickiness());
        }

        return text.Append(ConnectionText.ErrorsOf(survey.Tally)).ToString();
    }

    private static void WriteTimes(Utf8JsonWriter json, string name, Percentiles times)
    {
        json.WriteStartObject(name);
        json.WriteNumber("p50", Math.Round(times.P50.TotalMicroseconds, 1));
        json.WriteNumber("p99", Math.Round(times.P99.TotalMicroseconds, 1));
        json.WriteEndObject();
    }

    private void AppendInstances(StringBuilder text)
    {
        var names = _spread.Instances.Select(instance => MessageText.Escape(instance.Name)).ToArray();
        var width = Math.Max(Heading.Length, names.Max(name => name.Length));
        var heading = Heading.PadRight(width);
        text.AppendLine().AppendLine($"{heading}  connections    share  × even  connect p50, p99 (ms)  answer p50, p99 (ms)");
        foreach (var (name, instance) in names.Zip(_spread.Instances))
        {
            var share = _spread.ShareOf(instance);
            var (connections, times) = (instance.Connections, $"{Pair(instance.Connect),21}  {Pair(instance.Answer),20}");
            text.AppendLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name.PadRight(width)}  {connections,11:N0}  {share * 100,5:0.0} %  {share / _spread.EvenShare,6:0.00}  {times}"));
        }
    }

    private static string Pair(Percentiles times) => $"{ConnectionText.Milliseconds(times.P50)}, {ConnectionText.Milliseconds(times.P99)}";

    private string Evenness()
    {
        if (_spread.Instances.Count == 1)
        {
            return "One instance answered all of them.";
        }

        var even = string.Create(CultureInfo.InvariantCulture, $"An even share is {_spread.EvenShare * 100:0.0} %");
        return _spread.IsUneven switch
        {
            null when _spread.Others > 0 =>
                $"{ConnectionText.Counted(_spread.Others, "connection")} went to other instances; these are the first {_spread.Instances.Count:N0} of them.",
            null => $"{even}; there are too few connections to tell whether the difference is more than chance.",
            true => $"{even}; the difference is more than chance.",
            false => $"{even}; the difference is no more than chance.",
        };
    }

    private string Stickiness() => (_spread.Sources, _spread.SplitSources) switch
    {
        (0, _) => "The source addresses are not known.",
        (1, 0) => "The connections came from one source address, which met one instance.",
        (1, _) => "The connections came from one source address, which met several instances: no stickiness by address.",
        var (sources, split) => string.Create(
            CultureInfo.InvariantCulture,
            $"The connections came from {sources:N0} source addresses, of which {split:N0} met more than one instance."),
    };
}
