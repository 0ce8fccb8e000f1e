using System.Diagnostics.CodeAnalysis;

namespace Mdfs.Web.Api;

/// <summary>What came of asking the master: a value, its refusal, or nothing at all because it does not answer.</summary>
public readonly record struct MasterAnswer<T>
    where T : class
{
    public T? Value { get; private init; }

    public MasterRefusal? Refusal { get; private init; }

    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool Succeeded => Value is not null;

    public static implicit operator MasterAnswer<T>(T value) => new() { Value = value };

    public static implicit operator MasterAnswer<T>(MasterRefusal refusal) => new() { Refusal = refusal };
}

/// <param name="Status">The HTTP status; 0: the master did not answer.</param>
/// <param name="Type">The slug of the problem, as <c>no-such-movie</c>; for texts in another language than the master's.</param>
/// <param name="Detail">The master's sentence, or why it did not answer.</param>
public sealed record MasterRefusal(int Status, string Type, string Detail)
{
    public const string NoAnswer = "master-away";

    public bool Away => Status == 0;

    /// <summary>The same question may be answered in a moment.</summary>
    public bool Passing => Away || Status is 429 or 503;

    public static MasterRefusal Silent(string why) => new(0, NoAnswer, why);
}

/// <summary>A success that says nothing more.</summary>
public sealed class Nothing
{
    public static readonly Nothing Instance = new();

    private Nothing()
    {
    }
}
