namespace Mdfs.Master.Uploads;

/// <summary>The values of <c>Upload-Concat</c> (tus 1.0, concatenation).</summary>
public static class UploadConcat
{
    public const string Partial = "partial";
}
