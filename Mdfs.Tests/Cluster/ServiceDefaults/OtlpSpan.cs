using System.Text;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

/// <summary>One span as it travels over OTLP (opentelemetry-proto, trace/v1), with the service that sent it.</summary>
internal sealed record OtlpSpan(string Service, string Instance, string Trace, string Id, string Parent, string Name, IReadOnlyDictionary<string, string> Attributes)
{
    public static IEnumerable<OtlpSpan> Read(byte[] request)
    {
        foreach (var (field, resourceSpans) in Fields(request))
        {
            if (field != 1) continue;
            var parts = Fields(resourceSpans).ToList();
            var resource = parts.Where(static part => part.Field == 1).SelectMany(static part => AttributesOf(part.Value, 1)).ToDictionary();
            foreach (var span in parts.Where(static part => part.Field == 2).SelectMany(static scope => Fields(scope.Value)).Where(static part => part.Field == 2))
                yield return Of(span.Value, resource.GetValueOrDefault("service.name", ""), resource.GetValueOrDefault("service.instance.id", ""));
        }
    }

    private static OtlpSpan Of(ReadOnlyMemory<byte> span, string service, string instance)
    {
        var fields = Fields(span).Where(static part => part.Field is 1 or 2 or 4 or 5).ToDictionary(static part => part.Field, static part => part.Value);
        return new OtlpSpan(service, instance, Hex(1), Hex(2), Hex(4), Text(fields[5]), AttributesOf(span, 9).ToDictionary());

        string Hex(int field) => fields.TryGetValue(field, out var bytes) ? Convert.ToHexStringLower(bytes.Span) : "";
    }

    // KeyValue: 1 key, 2 AnyValue, of which 1 is a string and 3 an integer.
    private static IEnumerable<KeyValuePair<string, string>> AttributesOf(ReadOnlyMemory<byte> message, int field)
    {
        foreach (var pair in Fields(message).Where(part => part.Field == field))
        {
            var parts = Fields(pair.Value).ToList();
            var value = Fields(parts.Single(static part => part.Field == 2).Value).FirstOrDefault();
            yield return new(Text(parts.Single(static part => part.Field == 1).Value), value.Field == 1 ? Text(value.Value) : Convert.ToHexStringLower(value.Value.Span));
        }
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    /// <summary>The fields of a protobuf message in their order; numbers as the bytes in which they stand.</summary>
    private static IEnumerable<(int Field, ReadOnlyMemory<byte> Value)> Fields(ReadOnlyMemory<byte> message)
    {
        var at = 0;
        while (at < message.Length)
        {
            var tag = Number(message, ref at);
            var from = at;
            var length = (int)(tag & 7) switch
            {
                0 => Skip(message, ref at),
                1 => 8,
                2 => (int)Number(message, ref at),
                5 => 4,
                _ => throw new InvalidDataException($"Wire type {tag & 7} at {from}."),
            };
            if ((tag & 7) == 0) at = from;
            yield return ((int)(tag >> 3), message.Slice(at, length));
            at += length;
        }
    }

    private static int Skip(ReadOnlyMemory<byte> message, ref int at)
    {
        var from = at;
        Number(message, ref at);
        return at - from;
    }

    private static ulong Number(ReadOnlyMemory<byte> message, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = message.Span[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
    }
}
