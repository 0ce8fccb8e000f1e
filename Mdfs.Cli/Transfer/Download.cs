using System.Buffers;
using System.IO.Hashing;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Mdfs.Cli.Server;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;

namespace Mdfs.Cli.Transfer;

/// <summary>
/// Fetches one movie into <c>file.part</c>, and gives it its name when it is whole and adds up to what the catalog says. Beside it
/// <c>file.part.etag</c> tells which version the part belongs to: the next run goes on from there (RFC 9110: Range with If-Range).
/// </summary>
internal sealed class Download(MasterClient master, Retrying retrying, bool force, TimeProvider? time = null)
{
    private const int BufferSize = 256 * 1024;
    private const string PartSuffix = ".part";
    private const string TagSuffix = ".part.etag";

    public async Task<Outcome> RunAsync(string name, string file, IMeter meter, CancellationToken cancellationToken)
    {
        var moved = 0L;
        return await retrying.RunAsync(name, AttemptAsync, () => moved, cancellationToken);

        async Task<Outcome> AttemptAsync()
        {
            var movie = await master.FindAsync(name, cancellationToken) ?? throw NoSuchMovie(name);
            var done = new Outcome(movie.Name, Ending.Downloaded) { Source = file, Size = movie.Size, Checksum = movie.Checksum };
            if (File.Exists(file))
            {
                if (await IsSameAsync(movie, file, meter, cancellationToken)) return done with { Result = Ending.Unchanged };
                if (!force) throw new CliException($"{file} is there and differs. --force replaces it.", ExitCodes.Failed);
            }

            await FetchAsync(movie, file, meter, bytes => moved += bytes, cancellationToken);
            return done;
        }
    }

    /// <summary>Straight into a stream, in one go.</summary>
    public async Task CopyAsync(string name, Stream to, CancellationToken cancellationToken)
    {
        var movie = await master.FindAsync(name, cancellationToken) ?? throw NoSuchMovie(name);
        using var silence = new Silence(cancellationToken, time);
        using var response = await AskAsync(movie, 0, silence);
        var hash = new Crc32();
        await PourAsync(response, to, hash, silence, static _ => { }, cancellationToken);
        Compare(movie, new Checksum(hash.GetCurrentHashAsUInt32()));
    }

    private async Task FetchAsync(Movie movie, string file, IMeter meter, Action<long> moved, CancellationToken cancellationToken)
    {
        var stem = Beside(file);
        var (part, tag) = ($"{stem}{PartSuffix}", $"{stem}{TagSuffix}");
        await FillAsync(movie, part, tag, meter, moved, cancellationToken);
        File.Move(part, file, overwrite: true);
        File.Delete(tag);
    }

    /// <summary>What both are called by: the file itself, or where a file system has no room for more behind a long name, its beginning with a hash of the whole.</summary>
    private static string Beside(string file)
    {
        var name = Path.GetFileName(file);
        if (Encoding.UTF8.GetByteCount(name) + TagSuffix.Length <= FileName.MaxBytes) return file;
        var hash = $"~{Convert.ToHexStringLower(XxHash64.Hash(Encoding.UTF8.GetBytes(name)))}";
        var room = FileName.MaxBytes - TagSuffix.Length - hash.Length;
        var beginning = new StringBuilder();
        foreach (var letter in name.EnumerateRunes())
        {
            if ((room -= letter.Utf8SequenceLength) < 0) break;
            beginning.Append(letter);
        }

        return Path.Combine(Path.GetDirectoryName(file) ?? "", $"{beginning}{hash}");
    }

    private async Task FillAsync(Movie movie, string part, string tag, IMeter meter, Action<long> moved, CancellationToken cancellationToken)
    {
        // Held alone: two runs that fetch one movie would write over one another.
        await using var stream = new FileStream(part, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 });
        var hash = new Crc32();
        if (!File.Exists(tag) || await File.ReadAllTextAsync(tag, cancellationToken) != movie.ETag || stream.Length > movie.Size)
        {
            stream.SetLength(0);
            await File.WriteAllTextAsync(tag, movie.ETag, cancellationToken);
        }
        else if (stream.Length > 0)
        {
            meter.Begin("reading what is here", 0, stream.Length);
            await Hashing.ReadAsync(stream, hash, meter, cancellationToken);
        }

        using var silence = new Silence(cancellationToken, time);
        if (stream.Length < movie.Size)
        {
            using var response = await AskAsync(movie, stream.Length, silence);
            if (response.StatusCode != HttpStatusCode.PartialContent && stream.Length > 0)
            {
                stream.SetLength(0);
                hash.Reset();
            }

            meter.Begin("fetching", stream.Length, movie.Size);
            await PourAsync(response, stream, hash, silence, count =>
            {
                meter.Add(count);
                moved(count);
            }, cancellationToken);
        }

        if (stream.Length != movie.Size) throw new HttpRequestException("the connection ended before the movie did.");
        try
        {
            Compare(movie, new Checksum(hash.GetCurrentHashAsUInt32()));
        }
        catch (CliException)
        {
            // Going on from wrong bytes would never end well.
            stream.SetLength(0);
            File.Delete(tag);
            throw;
        }

        stream.Flush(flushToDisk: true);
    }

    private async Task<HttpResponseMessage> AskAsync(Movie movie, long from, Silence silence)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{MasterClient.Path(movie.Name)}/content");
        if (from > 0)
        {
            request.Headers.Range = new RangeHeaderValue(from, null);
            request.Headers.IfRange = new RangeConditionHeaderValue(new EntityTagHeaderValue(movie.ETag));
        }

        try
        {
            var response = await master.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
            var good = response.Headers.ETag?.Tag == movie.ETag && (from == 0 || response.StatusCode != HttpStatusCode.PartialContent || response.Content.Headers.ContentRange?.From == from);
            if (good) return response;
            response.Dispose();
            // A new version was stored between the two questions.
            throw new CliException("The movie was replaced while it was being fetched.", ExitCodes.Unavailable);
        }
        catch (OperationCanceledException e) when (silence.Struck)
        {
            throw silence.Sentence(e);
        }
    }

    private static async Task PourAsync(HttpResponseMessage response, Stream to, Crc32 hash, Silence silence, Action<int> moved, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(silence.Token);
            while (true)
            {
                int count;
                try
                {
                    count = await body.ReadAsync(buffer.AsMemory(0, BufferSize), silence.Token);
                }
                catch (IOException e)
                {
                    throw new HttpRequestException(e.Message, e);
                }

                if (count == 0) return;
                // Whoever takes it may let us wait: a player behind a pipe that is paused is no silence of the cluster's.
                silence.Suspend();
                await to.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                silence.Broken();
                hash.Append(buffer.AsSpan(0, count));
                moved(count);
            }
        }
        catch (OperationCanceledException e) when (silence.Struck)
        {
            throw silence.Sentence(e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<bool> IsSameAsync(Movie movie, string file, IMeter meter, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(file, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite, BufferSize = 0 });
        if (stream.Length != movie.Size) return false;
        meter.Begin("comparing", 0, stream.Length);
        return (await Hashing.ReadAsync(stream, new Crc32(), meter, cancellationToken)).ToString() == movie.Checksum;
    }

    private static void Compare(Movie movie, Checksum fetched)
    {
        if (fetched.ToString() != movie.Checksum)
            throw new CliException($"What was fetched has the checksum {fetched}, the catalog says {movie.Checksum}: something on the way changes bytes. It was thrown away.", ExitCodes.Damaged);
    }

    public static CliException NoSuchMovie(string name) => new($"There is no movie named '{name}'. 'mdfs ls' lists what there is.", ExitCodes.NotFound);
}
