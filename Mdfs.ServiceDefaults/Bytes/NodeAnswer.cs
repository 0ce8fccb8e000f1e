using System.Diagnostics.CodeAnalysis;

namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>What came of asking another node: the value, or why not.</summary>
public readonly struct NodeAnswer<T>
    where T : class
{
    private NodeAnswer(T? value, NodeFailure? failure)
    {
        Value = value;
        Failure = failure;
    }

    public T? Value { get; }

    public NodeFailure? Failure { get; }

    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool Succeeded => Value is not null;

    public static implicit operator NodeAnswer<T>(T value) => new(value, null);

    public static implicit operator NodeAnswer<T>(NodeFailure failure) => new(null, failure);

    public override string ToString() => Succeeded ? $"{Value}" : $"{Failure}";
}

/// <summary>The value of an answer that says no more than yes.</summary>
public sealed class Done
{
    public static readonly Done Instance = new();

    private Done()
    {
    }
}
