using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>Puts an entry and what workers report of it into the words of the API.</summary>
public sealed class FileDescriber(NodeRegistry registry, IOptions<MasterOptions> options)
{
    public int CountCopies(CatalogEntry entry) => Copies.Count(registry, entry.Replica);

    public FileFacts Describe(CatalogEntry entry)
    {
        var view = registry.View;
        var copies = new List<CopyFacts>();
        foreach (var holder in registry.Replicas.CopiesOf(entry.Replica))
        {
            if (view.Find(holder.Node) is not { } node) continue;
            var state = !node.Alive ? "silent" : holder.Damaged ? "damaged" : node.Draining ? "draining" : "good";
            copies.Add(new CopyFacts(node.RingKey, node.Id.Value, node.Address, state));
        }

        return new FileFacts(
            entry.Name.Value, entry.Size, entry.Checksum.ToString(), entry.Version.Number, entry.Version.ETag, entry.Replica.CommittedAt,
            VideoTypes.ContentType(entry.Name.Value), CountCopies(entry), options.Value.ReplicationFactor, copies);
    }
}
