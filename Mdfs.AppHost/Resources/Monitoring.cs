namespace Mdfs.AppHost.Resources;

/// <summary>Prometheus and Grafana with the files of <c>deploy/</c>, beside what runs here. What is published has its own (docker-compose.yml, docs/operations.md).</summary>
internal static class Monitoring
{
    // The configuration names the services as docker-compose.yml does; here they are on this machine, under addresses that only the orchestrator knows.
    private const string Start = """
        mkdir -p /tmp/mdfs && cp /etc/mdfs/alerts.yml /tmp/mdfs/ &&
        sed -e "s#\"master:8080\"#\"$MASTER\"#" -e "s#\"web:8080\"#\"$WEB\"#" -e "s#\"worker-1:8081\".*\"worker-3:8081\"#$WORKERS#" /etc/mdfs/prometheus.yml > /tmp/mdfs/prometheus.yml &&
        exec /bin/prometheus --config.file=/tmp/mdfs/prometheus.yml --storage.tsdb.path=/prometheus
        """;

    public static void AddMonitoring(
        this IDistributedApplicationBuilder builder, ClusterSettings cluster, IResourceBuilder<ProjectResource> master, IResourceBuilder<ProjectResource> web,
        IReadOnlyList<IResourceBuilder<ProjectResource>> workers)
    {
        if (builder.ExecutionContext.IsPublishMode || !ContainerRuntime.Answers(builder.Configuration)) return;
        var deploy = Path.GetFullPath("../deploy", builder.AppHostDirectory);

        var targets = new ReferenceExpressionBuilder();
        foreach (var worker in workers)
        {
            targets.AppendLiteral(targets.IsEmpty ? "\"" : ", \"");
            targets.AppendFormatted(Target(worker));
            targets.AppendLiteral("\"");
        }

        var prometheus = builder.AddContainer("prometheus", "prom/prometheus", "v3.5.0")
            .WithBindMount(Path.Combine(deploy, "prometheus"), "/etc/mdfs", isReadOnly: true)
            .WithVolume(cluster.VolumeName("prometheus"), "/prometheus")
            .WithEntrypoint("/bin/sh")
            .WithArgs("-euc", Start)
            .WithEnvironment("MASTER", ReferenceExpression.Create($"{Target(master)}"))
            .WithEnvironment("WEB", ReferenceExpression.Create($"{Target(web)}"))
            .WithEnvironment("WORKERS", targets.Build())
            .WithHttpEndpoint(name: "http", targetPort: 9090)
            .WithHttpHealthCheck("/-/ready")
            .WithUrlForEndpoint("http", static url => url.DisplayText = "Prometheus");

        builder.AddContainer("grafana", "grafana/grafana", "12.1.0")
            .WithBindMount(Path.Combine(deploy, "grafana/provisioning"), "/etc/grafana/provisioning", isReadOnly: true)
            .WithBindMount(Path.Combine(deploy, "grafana/dashboards"), "/etc/grafana/dashboards", isReadOnly: true)
            .WithVolume(cluster.VolumeName("grafana"), "/var/lib/grafana")
            .WithEnvironment("GF_ANALYTICS_REPORTING_ENABLED", "false")
            .WithEnvironment("GF_ANALYTICS_CHECK_FOR_UPDATES", "false")
            .WithEnvironment("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", "/etc/grafana/dashboards/mdfs-cluster.json")
            .WithHttpEndpoint(name: "http", targetPort: 3000)
            .WithHttpHealthCheck("/api/health")
            .WithUrlForEndpoint("http", static url => url.DisplayText = "Grafana")
            .WaitFor(prometheus);
    }

    private static EndpointReferenceExpression Target(IResourceBuilder<ProjectResource> service) => service.GetEndpoint("http").Property(EndpointProperty.HostAndPort);
}
