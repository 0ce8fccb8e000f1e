using System.IO.Hashing;
using System.Net;
using System.Net.Http.Headers;
using Mdfs.Cli.Server;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;

namespace Mdfs.Cli.Transfer;

/// <summary>What to do when a movie of that name, with other bytes, is there.</summary>
internal enum WhenThere { Replace, Keep, Refuse }

/// <summary>Stores one movie. The same movie twice is stored once, so that a command which was interrupted can simply be given again.</summary>
internal sealed class Upload(MasterClient master, Retrying retrying, WhenThere whenThere)
{
    public async Task<Outcome> RunAsync(MovieSource source, IMeter meter, CancellationToken cancellationToken)
    {
        if (!FileName.TryParse(source.Name, out var name, out var problem)) throw new CliException(problem, ExitCodes.Failed);
        source = source with { Name = name.Value };
        // What the movie adds up to, once it has been read for any reason.
        Checksum? known = source.Expected;
        var resumable = new ResumableUpload(master, new UnfinishedUploads(master.Url));
        return await retrying.RunAsync(name.Value, AttemptAsync, () => resumable.Moved, cancellationToken);

        async Task<Outcome> AttemptAsync()
        {
            var there = await master.FindAsync(name.Value, cancellationToken);
            if (there is not null)
            {
                if (whenThere == WhenThere.Keep) return Describe(Ending.Kept, there);
                if (source.Size == there.Size && (known ??= await ReadAsync(source, meter, cancellationToken)) is { } mine && mine.ToString() == there.Checksum)
                    return Describe(Ending.Unchanged, there);
                if (whenThere == WhenThere.Refuse && source.Size is null) return Describe(Ending.Kept, there);
                if (whenThere == WhenThere.Refuse) throw new CliException("Another movie of this name is there. --replace replaces it.", ExitCodes.Failed);
            }

            var onlyIfFree = whenThere != WhenThere.Replace;
            try
            {
                // With a checksum that is known before, the master refuses wrong bytes instead of storing them; and what is small is quickly sent again.
                if (source is not FileSource { Expected: null, Size: >= ResumableUpload.Smallest } file || await resumable.TryRunAsync(file, onlyIfFree, meter, cancellationToken) is not { } sent)
                    return await SendAsync(source, meter, onlyIfFree, cancellationToken);
                var stored = await master.FindAsync(name.Value, cancellationToken) ?? throw new CliException("It was stored, and somebody has deleted it since.", ExitCodes.Failed);
                if (stored.Size != file.Size || stored.Checksum != sent.ToString()) throw Differs(stored.Checksum, sent);
                return Describe(there is null ? Ending.Stored : Ending.Replaced, stored);
            }
            catch (Refusal refusal) when (refusal.IsConditionFailed)
            {
                // Somebody else was quicker: it is there now, like any other.
                return await AttemptAsync();
            }
        }

        Outcome Describe(Ending ending, Movie movie) =>
            new(name.Value, ending) { Source = source.Origin, Size = movie.Size, Checksum = movie.Checksum, Copies = movie.Copies, CopiesWanted = movie.CopiesWanted };
    }

    private async Task<Outcome> SendAsync(MovieSource source, IMeter meter, bool onlyIfFree, CancellationToken cancellationToken)
    {
        using var silence = new Silence(cancellationToken);
        await using var opened = await source.OpenAsync(0, silence.Token);
        meter.Begin("sending", 0, opened.Length ?? source.Size);
        using var body = new MeteredContent(opened.Stream, source.Origin, opened.Length, new Crc32(), count =>
        {
            silence.Broken();
            meter.Add(count);
        });
        using var request = new HttpRequestMessage(HttpMethod.Put, MasterClient.Path(source.Name)) { Content = body };
        // A wrong key or a full disk is told before the movie is sent, not after.
        request.Headers.ExpectContinue = true;
        if (onlyIfFree) request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
        if (source.Expected is { } expected) request.Headers.Add("X-Mdfs-Checksum", expected.ToString());
        try
        {
            using var response = await master.SendAsync(request, HttpCompletionOption.ResponseContentRead, silence.Token);
            var stored = await MasterClient.ReadAsync<Stored>(response, silence.Token);
            if (stored.Size != body.Sent || stored.Checksum != body.Checksum.ToString()) throw Differs(stored.Checksum, body.Checksum);
            return new Outcome(stored.Name, response.StatusCode == HttpStatusCode.Created ? Ending.Stored : Ending.Replaced)
            {
                Source = source.Origin,
                Size = stored.Size,
                Checksum = stored.Checksum,
                Copies = stored.Copies,
                CopiesWanted = stored.CopiesWanted,
            };
        }
        catch (OperationCanceledException e) when (silence.Struck)
        {
            throw silence.Sentence(e);
        }
    }

    private static CliException Differs(string stored, Checksum sent) =>
        new($"What was stored has the checksum {stored}, what was read here {sent}: something on the way changes bytes, or somebody else stored another movie of this name meanwhile. Send it again.", ExitCodes.Damaged);

    /// <summary>Null where the bytes can be had only once.</summary>
    private static async Task<Checksum?> ReadAsync(MovieSource source, IMeter meter, CancellationToken cancellationToken)
    {
        if (source is not FileSource) return null;
        await using var opened = await source.OpenAsync(0, cancellationToken);
        meter.Begin("comparing", 0, opened.Length);
        return await Hashing.ReadAsync(opened.Stream, new Crc32(), meter, cancellationToken);
    }
}
