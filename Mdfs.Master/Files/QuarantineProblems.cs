using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Files;

/// <summary>Refusals of the quarantine routes.</summary>
public static class QuarantineProblems
{
    public static Problem NotThere(string id) => new Problem(
        404, "not-in-quarantine", "Not in quarantine", "That node has nothing of this id in quarantine. GET /api/quarantine lists what live nodes have.").With("id", id);

    public static Problem Nameless { get; } = new(
        400, "name-needed", "Name needed", "Nothing says what these bytes were called. Give a name: ?name=…");

    public static Problem NameTaken(FileName name, MovieVersion version) => new Problem(
        409, "name-taken", "Name taken", $"There is a movie named '{name}'. Adopt it under another name (?name=…), or delete that one first.").With("etag", version.ETag);

    public static Problem Damaged(string id) => new Problem(
        409, "quarantine-damaged", "Bytes damaged", "The bytes cannot be read, or do not agree with the checksum of their commit. They stay in quarantine; purge them when nobody needs them.").With("id", id);

    public static Problem NodeFailed(string name) => new(
        502, "node-failed", "Node did not do it", $"Node '{name}' did not answer, or could not do it; its log says why. Nothing has changed. Try again in a moment.");
}
