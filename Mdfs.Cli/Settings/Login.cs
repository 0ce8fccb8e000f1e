using System.Text.Json;

namespace Mdfs.Cli.Settings;

/// <summary>Which cluster, and with which key: from the command line, the environment (<c>MDFS_URL</c>, <c>MDFS_KEY</c>), or what <c>mdfs login</c> has kept.</summary>
/// <param name="Url">Ends in a slash.</param>
/// <param name="Key">Null: anonymous.</param>
internal sealed record Login(Uri Url, string? Key)
{
    public const string UrlVariable = "MDFS_URL";
    public const string KeyVariable = "MDFS_KEY";

    private const string FileName = "login.json";

    /// <summary>Written by the compiler this would show the key.</summary>
    public override string ToString() => Url.ToString();

    /// <exception cref="CliException">Nobody has said which cluster, or what was said is no address.</exception>
    public static Login Find(string? url)
    {
        var kept = Read();
        var said = url ?? Environment.GetEnvironmentVariable(UrlVariable);
        var address = !string.IsNullOrWhiteSpace(said) ? ParseUrl(said)
            : kept?.Url ?? throw new CliException($"Which cluster? Say it once with 'mdfs login http://host:8080', or each time with --url or {UrlVariable}.", ExitCodes.Usage);
        var key = Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } given ? given.Trim()
            // The key of one cluster is nothing that another one should get to see.
            : kept is not null && kept.Url == address ? kept.Key : null;
        return new Login(address, key);
    }

    public static Uri ParseUrl(string text)
    {
        var whole = text.Contains("://", StringComparison.Ordinal) ? text : $"http://{text}";
        return Uri.TryCreate(whole.TrimEnd('/') + "/", UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Query.Length == 0 && url.UserInfo.Length == 0
            ? url
            : throw new CliException($"'{text}' is no address of a cluster. One looks like http://nas:8080.", ExitCodes.Usage);
    }

    public string Keep()
    {
        var path = UserDirectory.Path(FileName);
        UserDirectory.Write(path, JsonSerializer.SerializeToUtf8Bytes(new Kept(Url.ToString(), Key)));
        return path;
    }

    public static bool Forget()
    {
        var path = UserDirectory.Path(FileName);
        if (!File.Exists(path)) return false;
        File.Delete(path);
        return true;
    }

    private static Login? Read()
    {
        var path = UserDirectory.Path(FileName);
        try
        {
            return File.Exists(path) && JsonSerializer.Deserialize<Kept>(File.ReadAllBytes(path)) is { Url: { } url } kept ? new Login(ParseUrl(url), kept.Key) : null;
        }
        catch (JsonException e)
        {
            throw new CliException($"{path} is damaged. Run 'mdfs login' again.", ExitCodes.Usage, e);
        }
    }

    private sealed record Kept(string? Url, string? Key);
}
