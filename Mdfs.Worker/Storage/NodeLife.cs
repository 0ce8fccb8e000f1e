using System.Security.Cryptography;

namespace Mdfs.Worker.Storage;

/// <summary>Random per start of the worker: tells the numbers of one life from those of another (design, section 6).</summary>
internal sealed class NodeLife
{
    public string Value { get; } = RandomNumberGenerator.GetHexString(32, lowercase: true);
}
