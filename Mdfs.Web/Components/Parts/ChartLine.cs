namespace Mdfs.Web.Components.Parts;

/// <summary>One line of a <see cref="TimeChart"/>.</summary>
/// <param name="Color">A class of the stylesheet: <c>c1</c>, <c>c2</c> or <c>c3</c>.</param>
public sealed record ChartLine(string Name, string Color, IReadOnlyList<double> Values);
