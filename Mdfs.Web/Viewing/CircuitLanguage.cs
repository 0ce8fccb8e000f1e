using Microsoft.AspNetCore.Components.Server.Circuits;

namespace Mdfs.Web.Viewing;

/// <summary>
/// Whatever a browser sends over its circuit is answered in the language of its page. The connection's own request does not settle that: it may be
/// made without the header, and outlives it.
/// </summary>
internal sealed class CircuitLanguage(Viewer viewer) : CircuitHandler
{
    public override Func<CircuitInboundActivityContext, Task> CreateInboundActivityHandler(Func<CircuitInboundActivityContext, Task> next) => context =>
    {
        viewer.Speak();
        return next(context);
    };
}
