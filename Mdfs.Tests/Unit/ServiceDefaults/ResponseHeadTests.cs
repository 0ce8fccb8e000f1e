using System.Text;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Loops;

namespace Mdfs.Tests.Unit.ServiceDefaults;

/// <summary>What loops say of a movie is kept for the next answer: whoever is asked for in between, each answer has the headers that the usual server would send.</summary>
public sealed class ResponseHeadTests
{
    private static readonly DateTimeOffset _committed = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    [Fact]
    public void Each_head_says_what_the_answer_says_whatever_was_written_before()
    {
        // More of them than are kept.
        var replicas = Enumerable.Range(1, 400).Select(static i => Replica($"film {i}.mp4", i, 1000 + i)).ToArray();
        for (var round = 0; round < 2; round++)
        {
            foreach (var replica in replicas)
            {
                foreach (var attachment in (bool[])[true, false])
                {
                    foreach (var range in (string?[])[null, "bytes=1-10", "bytes=5-"])
                    {
                        // Before its date has come none is said; then it is.
                        foreach (var now in (DateTimeOffset[])[_committed.AddSeconds(-1), _committed.AddDays(1)])
                        {
                            var answer = ContentAnswer.To(new ContentRequest { Method = "GET", Range = range }, replica, now);
                            var lines = Encoding.ASCII.GetString(ResponseHead.Of(answer, attachment)!).Split("\r\n");
                            Assert.Equal(range is null ? "HTTP/1.1 200 OK" : "HTTP/1.1 206 Partial Content", lines[0]);
                            Assert.Equal(["", ""], lines[^2..]);
                            Assert.Equal(
                                answer.Headers(attachment).Select(static header => $"{header.Name}: {header.Value}").Append("X-Content-Type-Options: nosniff").Order(StringComparer.Ordinal),
                                lines[1..^2].Order(StringComparer.Ordinal));
                            Assert.Contains($"ETag: {replica.Version.ETag}", lines);
                            Assert.Equal(now > _committed, lines.Contains("Last-Modified: Wed, 04 Mar 2026 05:06:07 GMT"));
                            Assert.Contains(lines, line => line.StartsWith($"Content-Disposition: {(attachment ? "attachment" : "inline")}; filename=\"{replica.Name.Value}\"", StringComparison.Ordinal));
                        }
                    }
                }
            }
        }
    }

    private static ReplicaDescription Replica(string name, long version, long size) =>
        new(FileName.Parse(name), new MovieVersion(version), size, default(Checksum), _committed, UploadId.New(), "cluster");
}
