using System.Diagnostics;
using OpenTelemetry;

namespace Mdfs.ServiceDefaults.Telemetry;

/// <summary>
/// Passes on the spans of this service alone. Activity listeners are process-wide: with five services in one process each would export
/// everybody's spans under its own name. A span is ours when it, or the nearest known one above it, came from a source of ours.
/// </summary>
/// <remarks>
/// Calls that nothing of ours began (a beat every 5 s) belong to nobody and are left out; wrap work worth seeing in a span of
/// <see cref="InstanceTelemetry.Activities"/>. A filter on the instrumentation would not do: it silences the span for all listeners.
/// </remarks>
internal sealed class OwnSpans(BaseProcessor<Activity> inner, SpanRedaction redaction, IReadOnlyCollection<ActivitySource> own)
    : CompositeProcessor<Activity>([inner])
{
    public override void OnEnd(Activity data)
    {
        if (!IsOwn(data)) return;
        SpanNames.Fulfil(data);
        redaction.Apply(data);
        base.OnEnd(data);
    }

    private bool IsOwn(Activity? span)
    {
        for (; span is not null; span = span.Parent)
        {
            if (own.Contains(span.Source)) return true;
        }

        return false;
    }
}
