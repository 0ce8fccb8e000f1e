using System.Globalization;
using System.Net;
using System.Text;

namespace Mdfs.Tests.Support;

/// <summary>The requests of tus 1.0, each by itself, so that a test can do one thing wrong.</summary>
public sealed class TusClient(MdfsClient client)
{
    public const string Octets = "application/offset+octet-stream";

    public static string Metadata(string name) => $"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes(name))}";

    /// <summary>Sends with the key and the protocol's version, unless the test gives another value; null leaves a header out.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, params (string Name, string? Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = client.Admin;
        var all = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase) { ["Tus-Resumable"] = "1.0.0" };
        foreach (var (name, value) in headers) all[name] = value;
        foreach (var (name, value) in all)
        {
            if (value is null) continue;
            if (name is "Content-Type" or "Content-Disposition") content!.Headers.TryAddWithoutValidation(name, value);
            else request.Headers.TryAddWithoutValidation(name, value);
        }

        return await client.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public Task<HttpResponseMessage> PostAsync(HttpContent? content, params (string Name, string? Value)[] headers) => SendAsync(HttpMethod.Post, "/api/uploads", content, headers);

    public Task<HttpResponseMessage> HeadAsync(string upload) => SendAsync(HttpMethod.Head, upload, null);

    public Task<HttpResponseMessage> PatchAsync(string upload, long offset, HttpContent content, params (string Name, string? Value)[] headers) =>
        SendAsync(HttpMethod.Patch, upload, content, [("Content-Type", Octets), ("Upload-Offset", offset.ToString(CultureInfo.InvariantCulture)), .. headers]);

    public Task<HttpResponseMessage> PatchAsync(string upload, long offset, ReadOnlyMemory<byte> bytes, params (string Name, string? Value)[] headers) =>
        PatchAsync(upload, offset, new ReadOnlyMemoryContent(bytes), headers);

    /// <summary>A new upload's address.</summary>
    public async Task<string> CreateAsync(string name, long length, params (string Name, string? Value)[] headers)
    {
        using var created = await PostAsync(null, [("Upload-Length", length.ToString(CultureInfo.InvariantCulture)), ("Upload-Metadata", Metadata(name)), .. headers]);
        Assert.True(created.StatusCode == HttpStatusCode.Created, $"{(int)created.StatusCode} {await created.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        return created.Headers.Location!.ToString();
    }

    /// <summary>What HEAD says, which has to succeed.</summary>
    public async Task<long> OffsetAsync(string upload)
    {
        using var head = await HeadAsync(upload);
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        return Number(head, "Upload-Offset")!.Value;
    }

    /// <summary>One piece, which has to succeed; the new offset.</summary>
    public async Task<long> AppendAsync(string upload, long offset, ReadOnlyMemory<byte> bytes)
    {
        using var patched = await PatchAsync(upload, offset, bytes);
        Assert.True(patched.StatusCode == HttpStatusCode.NoContent, $"{(int)patched.StatusCode} {await patched.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        return Number(patched, "Upload-Offset")!.Value;
    }

    public static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;

    public static long? Number(HttpResponseMessage response, string name) => Header(response, name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;
}
