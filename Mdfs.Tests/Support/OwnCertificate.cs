using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mdfs.Tests.Support;

/// <summary>A certificate that nobody has signed but itself.</summary>
internal static class OwnCertificate
{
    /// <returns>The settings with which a server presents it.</returns>
    public static Dictionary<string, string?> In(string directory)
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var file = Path.Combine(directory, "own.pfx");
        File.WriteAllBytes(file, certificate.Export(X509ContentType.Pfx, "words"));
        return new() { ["Kestrel:Certificates:Default:Path"] = file, ["Kestrel:Certificates:Default:Password"] = "words" };
    }
}
