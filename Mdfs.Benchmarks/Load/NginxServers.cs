namespace Mdfs.Benchmarks.Load;

/// <summary>An nginx that keeps files, and one in front of it, tuned for large ones: what others would put there.</summary>
internal sealed class NginxServers : IDisposable
{
    private NginxServers(string directory, int back, int reading, int front)
    {
        Files = Path.Combine(directory, "files");
        Directory.CreateDirectory(Files);
        // DAV takes a body as a temporary file and renames it: on one disk that is no copy.
        Back = Start("nginx", directory, $$"""
            server {
                listen 127.0.0.1:{{back}};
                root {{Files}};
                client_max_body_size 0;
                location / { dav_methods PUT; }
            }
            server {
                listen 127.0.0.1:{{reading}};
                root {{Files}};
                sendfile off;
                output_buffers 2 256k;
            }
            """);
        Front = Start("nginx proxy", directory, $$"""
            upstream back { server 127.0.0.1:{{back}}; keepalive 64; }
            server {
                listen 127.0.0.1:{{front}};
                client_max_body_size 0;
                location / {
                    proxy_pass http://back;
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_request_buffering off;
                    proxy_buffer_size 64k;
                    proxy_buffers 8 64k;
                    proxy_busy_buffers_size 128k;
                    proxy_max_temp_file_size 0;
                }
            }
            """);
        (BackAddress, ReadingAddress, FrontAddress) = (new Uri($"http://127.0.0.1:{back}/"), new Uri($"http://127.0.0.1:{reading}/"), new Uri($"http://127.0.0.1:{front}/"));
    }

    public ServerProcess Back { get; }

    public ServerProcess Front { get; }

    public Uri BackAddress { get; }

    /// <summary>The same server, reading files into its memory and writing them from there, as a server has to that looks at what it sends.</summary>
    public Uri ReadingAddress { get; }

    public Uri FrontAddress { get; }

    /// <summary>The folder that is served.</summary>
    public string Files { get; }

    /// <summary>Null where nginx is not installed.</summary>
    public static async Task<NginxServers?> TryStartAsync(string directory)
    {
        if (Program() is null) return null;
        var servers = new NginxServers(directory, MdfsServers.FreePort(), MdfsServers.FreePort(), MdfsServers.FreePort());
        using var http = new HttpClient();
        await Patiently.UntilAsync(async () => (await http.GetAsync(servers.FrontAddress)).Headers.Server.Count > 0, "nginx answers");
        return servers;
    }

    public void Dispose()
    {
        Front.Dispose();
        Back.Dispose();
    }

    private static string? Program() =>
        (string[])["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"] is var places ? places.FirstOrDefault(File.Exists) : null;

    private static ServerProcess Start(string name, string directory, string servers)
    {
        var own = Directory.CreateDirectory(Path.Combine(directory, name.Replace(' ', '-'))).FullName;
        var configuration = Path.Combine(own, "nginx.conf");
        File.WriteAllText(configuration, $$"""
            daemon off;
            {{(Environment.UserName == "root" ? "user root;" : "")}}
            worker_processes 2;
            pid {{own}}/pid;
            error_log {{own}}/errors;
            events { worker_connections 4096; }
            http {
                access_log off;
                sendfile on;
                keepalive_requests 1000000;
                types { video/mp4 mp4; }
                client_body_temp_path {{own}}/body;
                proxy_temp_path {{own}}/proxy;
                fastcgi_temp_path {{own}}/fastcgi;
                uwsgi_temp_path {{own}}/uwsgi;
                scgi_temp_path {{own}}/scgi;
                {{servers}}
            }
            """);
        return ServerProcess.Start(name, Program()!, ["-c", configuration, "-e", Path.Combine(own, "errors")]);
    }
}
