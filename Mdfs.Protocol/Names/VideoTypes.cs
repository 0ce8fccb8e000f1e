namespace Mdfs.Protocol.Names;

/// <summary>The video files MDFS Pro knows, and the content type each is served with (the table of the classic contract).</summary>
public static class VideoTypes
{
    /// <summary>What a file of any other kind is served as.</summary>
    public const string Unknown = "application/octet-stream";

    private static readonly (string Extension, string ContentType)[] _table =
    [
        (".mp4", "video/mp4"),
        (".mkv", "video/x-matroska"),
        (".avi", "video/x-msvideo"),
        (".mov", "video/quicktime"),
        (".wmv", "video/x-ms-wmv"),
        (".flv", "video/x-flv"),
        (".webm", "video/webm"),
        (".m4v", "video/mp4"),
    ];

    /// <summary>The content type by the name's extension, whatever its case.</summary>
    public static string ContentType(string fileName)
    {
        var extension = Path.GetExtension(fileName.AsSpan());
        foreach (var row in _table)
        {
            if (extension.Equals(row.Extension, StringComparison.OrdinalIgnoreCase))
                return row.ContentType;
        }

        return Unknown;
    }
}
