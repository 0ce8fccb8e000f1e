# Every service of MDFS Pro, one target each: docker build --target master|worker|web|garnet .
# The base is Ubuntu without a shell or a package manager, with ICU, which names need (the smaller variant without "-extra" has none, and the
# services refuse to start there). They run as its user `app` (1654), never as root, on a read-only root; all they write lies in /data.
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
WORKDIR /src
COPY . .
# No orchestrator in an image.
ENV AspireAvailable=false
RUN for service in Garnet Master Worker Web; do \
      dotnet publish Mdfs.$service -c Release -o /out/$service --nologo || exit 1; \
    done && mkdir /data

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra AS base
# Owned by the user of the service, and a volume that is mounted here for the first time takes that over.
COPY --from=build --chown=1654:1654 /data /data
USER 1654
WORKDIR /app
# No diagnostics socket: it would have to be written.
ENV DOTNET_EnableDiagnostics=0

FROM base AS garnet
COPY --from=build /out/Garnet /app
# A container's loopback is reached by nobody. So Mdfs__Garnet__Password is required here.
ENV Mdfs__Garnet__DataDirectory=/data Mdfs__Garnet__Bind=0.0.0.0 ASPNETCORE_HTTP_PORTS=8082
EXPOSE 6379
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["/app/Mdfs.Garnet", "--health"]
ENTRYPOINT ["/app/Mdfs.Garnet"]

FROM base AS worker
COPY --from=build /out/Worker /app
ENV Mdfs__Worker__DataDirectory=/data ASPNETCORE_HTTP_PORTS=8081
EXPOSE 8081
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["/app/Mdfs.Worker", "--health"]
ENTRYPOINT ["/app/Mdfs.Worker"]

FROM base AS web
COPY --from=build /out/Web /app
ENV ASPNETCORE_HTTP_PORTS=8080
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["/app/Mdfs.Web", "--health"]
ENTRYPOINT ["/app/Mdfs.Web"]

FROM base AS master
COPY --from=build /out/Master /app
ENV ASPNETCORE_HTTP_PORTS=8080
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["/app/Mdfs.Master", "--health"]
ENTRYPOINT ["/app/Mdfs.Master"]
