using System.Diagnostics;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Conformance;

/// <summary>tus-js-client, the client of browsers and of node, as its authors made it, against a real cluster.</summary>
public sealed class TusJsClientTests(TusJsClientTests.Fixture shared) : IClassFixture<TusJsClientTests.Fixture>
{
    private static readonly MovieBytes _movie = new(41, (5 << 20) + 12_345);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("single")]
    [InlineData("chunked")]
    [InlineData("withCreation")]
    [InlineData("deferred")]
    [InlineData("parallel")]
    [InlineData("chunkedParallel")]
    [InlineData("aborted")]
    [InlineData("abortedChunked")]
    public async Task What_it_uploads_comes_back_byte_by_byte(string way)
    {
        await shared.PrepareAsync();
        var name = $"{way} ü \"1\".mp4";
        var (output, code) = await RunAsync(shared.Script, "node", ["upload.mjs", way, new Uri(shared.Client.Master, "/api/uploads").ToString(), TestCluster.AdminKey, shared.File, name, "7"]);
        Assert.True(code == 0, output);
        await shared.Client.AssertHoldsAsync(name, _movie, Cancelled);
        Assert.Equal([true, true], (await shared.Client.VerifyAsync(name, Cancelled)).Select(verdict => verdict.Valid));
        // The parts are used up.
        if (way.EndsWith("arallel", StringComparison.Ordinal)) Assert.Equal(0, await shared.Client.MetricAsync("mdfs_resumable_uploads_open", Cancelled));
    }

    private static async Task<(string Output, int Code)> RunAsync(string directory, string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Tools.Require(program), arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(Cancelled), process.StandardError.ReadToEndAsync(Cancelled));
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
            patience.CancelAfter(2 * MdfsClient.Patience);
            await process.WaitForExitAsync(patience.Token);
            return (await output + await error, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    public sealed class Fixture : SharedCluster
    {
        private readonly TempDirectory _temp = new();
        private readonly SemaphoreSlim _once = new(1, 1);
        private bool _prepared;

        /// <summary>Where the script stands, with the packages it needs.</summary>
        public string Script => _temp["tus-js"];

        public string File => _temp["movie.bin"];

        protected override IEnumerable<(string Key, string Value)> Settings => [("Mdfs:Master:UploadCheckpointBytes", "1000000")];

        /// <summary>Installs the packages of the lock file, once, in a directory of its own.</summary>
        public async Task PrepareAsync()
        {
            Tools.Require("node");
            await _once.WaitAsync(Cancelled);
            try
            {
                if (_prepared) return;
                Directory.CreateDirectory(Script);
                foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Conformance", "tus-js"))) System.IO.File.Copy(file, Path.Combine(Script, Path.GetFileName(file)), overwrite: true);
                var (output, code) = await RunAsync(Script, "npm", ["ci", "--no-audit", "--no-fund", "--prefer-offline"]);
                if (code != 0 && !Tools.InContinuousIntegration) Assert.Skip($"The packages cannot be had here: {output}");
                Assert.True(code == 0, output);
                await using var movie = System.IO.File.Create(File);
                await _movie.Open().CopyToAsync(movie, Cancelled);
                _prepared = true;
            }
            finally
            {
                _once.Release();
            }
        }
    }
}
