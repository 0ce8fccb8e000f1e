using System.Diagnostics.CodeAnalysis;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

/// <summary>What was asked for, or the refusal: an expected ending, not an exception.</summary>
internal readonly struct Outcome<T>
    where T : class
{
    private Outcome(T? value, NodeRefusal? refusal)
    {
        Value = value;
        Refusal = refusal;
    }

    public T? Value { get; }

    public NodeRefusal? Refusal { get; }

    public bool IsRefused([NotNullWhen(true)] out NodeRefusal? refusal, [NotNullWhen(false)] out T? value)
    {
        refusal = Refusal;
        value = Value;
        return refusal is not null;
    }

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(NodeRefusal refusal) => new(null, refusal);
}
