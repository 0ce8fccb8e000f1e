using System.Text;
using System.Text.Json;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Worker.Storage;

/// <summary>What a node remembers of itself and its cluster.</summary>
/// <param name="ClusterId">Null until it has joined one.</param>
/// <param name="Epoch">The highest it has obeyed.</param>
/// <param name="ClusterAge">Seconds; the highest it has heard.</param>
/// <param name="SettledAge">Seconds; the cluster age up to which a master has judged everything here (docs/decisions/absence.md).</param>
/// <param name="Check">CRC-32 of the record with this field empty: an identity that rotted must not pass for another one.</param>
internal sealed record NodeFacts(
    NodeId Node, string? ClusterId, long Epoch, MovieVersion HighestVersion, double ClusterAge, double SettledAge, bool Draining, string Check = "");

/// <summary>
/// <c>node.json</c>: who this node is and what it has obeyed, kept so that neither a restart nor another address makes it a different node,
/// and that an old master is refused by a restarted worker too (design, sections 1 and 2.7).
/// </summary>
internal sealed class NodeMemory
{
    // Cluster age grows with every beat; a minute is precise enough to judge absences of weeks, and spares the disk a sync every 5 s.
    private const double AgeStep = 60;

    private readonly Lock _writing = new();
    private readonly string _path;
    private readonly EmergencyRoom? _emergency;
    private NodeFacts _facts;
    private NodeFacts _onDisk;
    private bool _out;

    private NodeMemory(string path, NodeFacts facts, EmergencyRoom? emergency)
    {
        _path = path;
        _emergency = emergency;
        _facts = _onDisk = facts;
    }

    public NodeFacts Facts => Volatile.Read(ref _facts);

    public NodeId Id => Facts.Node;

    /// <summary>Reads the file, or makes a new identity in a directory that holds nothing yet.</summary>
    /// <param name="emergency">For a disk that is full: whatever would make room on it comes from a master that has to be obeyed first. Null: there it fails.</param>
    /// <exception cref="SettingException">The file is damaged, or missing beside replicas.</exception>
    public static NodeMemory Open(DataDirectory directory, EmergencyRoom? emergency = null)
    {
        if (File.Exists(directory.NodeFile)) return new NodeMemory(directory.NodeFile, Read(directory.NodeFile), emergency);
        if (Directory.EnumerateFiles(directory.Replicas, "*", SearchOption.AllDirectories).Any())
        {
            throw new SettingException(
                $"'{directory.NodeFile}' is missing but '{directory.Replicas}' holds replicas. Put the file back; a new identity would make this node a stranger to its cluster.");
        }

        var memory = new NodeMemory(directory.NodeFile, new NodeFacts(NodeId.New(), null, 0, MovieVersion.None, 0, 0, false), emergency);
        memory.Create(memory.Facts);
        return memory;
    }

    /// <summary>Obeys a higher epoch: it is on disk when this returns true, unless this node is out (<see cref="GoOut"/>). False: the epoch is lower than one obeyed before.</summary>
    public bool TryObey(long epoch)
    {
        // Every piece of an upload asks. What is written down is not asked of the lock, in which others wait for the disk.
        if (Facts.Epoch is var obeyed && epoch <= obeyed) return epoch == obeyed;
        lock (_writing)
        {
            if (epoch < _facts.Epoch) return false;
            if (epoch > _facts.Epoch) Write(_facts with { Epoch = epoch });
            return true;
        }
    }

    /// <summary>Joins a cluster, for good. False: it belongs to another one.</summary>
    public bool TryJoin(string clusterId)
    {
        lock (_writing)
        {
            if (string.IsNullOrEmpty(clusterId)) return false;
            if (_facts.ClusterId is null) Write(_facts with { ClusterId = clusterId });
            return _facts.ClusterId == clusterId;
        }
    }

    /// <summary>Keeps what a reply told; values that only grow never go back.</summary>
    /// <param name="settled">The reply judged everything here, and its tombstones are on disk.</param>
    public void Hear(MovieVersion highest, double clusterAge, bool settled, bool draining)
    {
        lock (_writing)
        {
            var heard = _facts with
            {
                HighestVersion = MovieVersion.Max(_facts.HighestVersion, highest),
                ClusterAge = Math.Max(_facts.ClusterAge, clusterAge),
                SettledAge = settled ? Math.Max(_facts.SettledAge, clusterAge) : _facts.SettledAge,
                Draining = draining,
            };
            if (heard with { ClusterAge = _onDisk.ClusterAge, SettledAge = _onDisk.SettledAge } == _onDisk && heard.ClusterAge - _onDisk.ClusterAge < AgeStep)
            {
                Volatile.Write(ref _facts, heard);
                return;
            }

            try
            {
                Write(heard);
            }
            catch (IOException error) when (Durable.IsDiskFull(error))
            {
                // Written with the next beat that finds room. The rest of the reply must be heard, since it is what makes room.
                Volatile.Write(ref _facts, heard);
            }
        }
    }

    /// <summary>Called at the end of a life, so that the next one knows to the second how old the cluster was.</summary>
    public void Save()
    {
        lock (_writing)
        {
            if (_facts.ClusterAge > _onDisk.ClusterAge) Write(_facts);
        }
    }

    /// <summary>
    /// Until <see cref="ComeBack"/> what cannot be written is kept in memory alone: the directory is gone or read-only, and the node goes on obeying, so that what it holds is known. As it counts nowhere and removes
    /// nothing, nothing is done in the name of an epoch that a restart would not know.
    /// </summary>
    public void GoOut()
    {
        lock (_writing) _out = true;
    }

    /// <summary>Writes down what only memory knows, before this node counts again.</summary>
    /// <exception cref="IOException">It is not on disk, and the node still out.</exception>
    public void ComeBack()
    {
        lock (_writing)
        {
            if (!_out) return;
            if (_facts != _onDisk) Put(_facts);
            _out = false;
        }
    }

    /// <summary>Whether the file is there and still names this node.</summary>
    public bool IsOnDisk()
    {
        try
        {
            return File.Exists(_path) && Read(_path).Node == Id;
        }
        catch (SettingException)
        {
            return false;
        }
    }

    private static NodeFacts Read(string path)
    {
        try
        {
            var facts = JsonSerializer.Deserialize(File.ReadAllBytes(path), StorageJson.Default.NodeFacts);
            if (facts is not null && facts.Check == CheckOf(facts) && facts.Node.Value.Length > 0) return facts with { Check = "" };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Damaged(path, error);
        }

        throw Damaged(path, null);
    }

    private static SettingException Damaged(string path, Exception? cause) => new(
        $"'{path}' is damaged. It holds this node's identity: restore it from a copy. To give up the identity, move the whole data directory away and start with an empty one; "
        + "the cluster then heals from the other nodes.",
        cause);

    private static string CheckOf(NodeFacts facts) =>
        Checksum.Of(JsonSerializer.SerializeToUtf8Bytes(facts with { Check = "" }, StorageJson.Default.NodeFacts)).ToString();

    private void Write(NodeFacts facts)
    {
        try
        {
            Put(facts);
        }
        catch (Exception error) when (_out && (error is UnauthorizedAccessException || (error is IOException failure && !Durable.IsDiskFull(failure))))
        {
            Volatile.Write(ref _facts, facts);
        }
    }

    private void Put(NodeFacts facts)
    {
        // Below a disk that is not mounted any more lies an empty directory. With this file in it, it would pass for this node's, and copies would count that are not there.
        if (!File.Exists(_path) || NamesAnother()) throw new IOException($"'{_path}' is not there any more, or names another node. Is its disk mounted?");
        Create(facts);
    }

    /// <summary>One that has rotted, or cannot be read, names nobody: it is where this node's was, and what stood in it is in memory.</summary>
    private bool NamesAnother()
    {
        try
        {
            return Read(_path).Node != Id;
        }
        catch (Exception error) when (error is SettingException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Create(NodeFacts facts)
    {
        var content = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(facts with { Check = CheckOf(facts) }, StorageJson.Default.NodeFacts) + "\n");
        if (_emergency is null) Durable.WriteFile(_path, content);
        else _emergency.Write(() => Durable.WriteFile(_path, content));
        _onDisk = facts;
        Volatile.Write(ref _facts, facts);
    }
}
