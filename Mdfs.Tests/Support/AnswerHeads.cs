using System.Net.Sockets;
using System.Text;

namespace Mdfs.Tests.Support;

/// <summary>Reads the head of an answer and not a byte of what follows it, on connections where the body is the test's own affair.</summary>
public static class AnswerHeads
{
    /// <summary>The next line, without its end.</summary>
    public static async Task<string> LineAsync(this NetworkStream said, CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        var letter = new byte[1];
        do
        {
            await said.ReadExactlyAsync(letter, cancellationToken).AsTask().WaitAsync(MdfsClient.Patience, cancellationToken);
            line.Append((char)letter[0]);
        }
        while (letter[0] != '\n');
        return line.ToString().TrimEnd();
    }

    /// <summary>All lines to the empty one.</summary>
    public static async Task SkipHeadAsync(this NetworkStream said, CancellationToken cancellationToken)
    {
        while (await said.LineAsync(cancellationToken) is { Length: > 0 })
        {
        }
    }
}
