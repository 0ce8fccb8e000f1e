using System.Globalization;
using System.Text.RegularExpressions;

namespace Mdfs.Tests.Support;

/// <summary>Lets workers beat a few times, for what must not happen at any later beat.</summary>
public static partial class Beats
{
    /// <summary>Returns when each of these workers had so many further beats answered.</summary>
    public static async Task PassAsync(IEnumerable<Uri> workers, int count, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await Task.WhenAll(workers.Select(async worker =>
        {
            var metrics = new Uri(worker, "metrics");
            double? before = null;
            await Eventually.TrueAsync(
                async () =>
                {
                    var answered = await AnsweredAsync(metrics);
                    before ??= answered;
                    return answered >= before + count;
                },
                $"{count} beats of {worker}", MdfsClient.Patience, cancellationToken);
        }));

        // Null: it is just starting.
        async Task<double?> AnsweredAsync(Uri metrics)
        {
            try
            {
                return Answered().Match(await http.GetStringAsync(metrics, cancellationToken)) is { Success: true } line ? double.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
            }
            catch (HttpRequestException)
            {
                return null;
            }
        }
    }

    [GeneratedRegex("""^mdfs_worker_beats_total\{[^}]*result="answered"[^}]*\} (\S+)""", RegexOptions.Multiline)]
    private static partial Regex Answered();
}
