using Mdfs.Gateway;
using Mdfs.Gateway.Streams;
using Mdfs.ServiceDefaults.Health;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Security;
using Mdfs.ServiceDefaults.Telemetry;
using Mdfs.Web.Api;
using Mdfs.Web.Components;
using Mdfs.Web.Forwarding;
using Mdfs.Web.FrontEnd;
using Mdfs.Web.Pages;
using Mdfs.Web.Sessions;
using Mdfs.Web.Texts;
using Mdfs.Web.Viewing;
using Mdfs.Web.Watching;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using MudBlazor;
using MudBlazor.Services;

namespace Mdfs.Web;

/// <summary>
/// Everything the console is made of, on one page. <see cref="AddMdfsWeb"/> is a service of its own, which hands whatever is not its own to the master, or takes a movie from the workers itself;
/// <see cref="AddMdfsConsole"/> adds the console to a host that is a service already, the master's where both share one, so that no movie takes a further hop.
/// </summary>
public static class WebHosting
{
    public static WebApplicationBuilder AddMdfsWeb(this WebApplicationBuilder builder)
    {
        builder.AddMdfsServiceDefaults("mdfs-web");
        builder.AddMdfsConsole();
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<MasterForwarder>();
        builder.Services.AddHealthChecks().AddCheck<WebHealth>("web");

        // FrontEnd: movies straight from the workers, where that is wanted.
        var gateway = builder.Configuration.GetSection(GatewayOptions.Section);
        builder.Services.Configure<GatewayOptions>(gateway);
        builder.Services.AddMdfsGateway(gateway);
        builder.Services.AddSingleton<IWindowPass, GrantedPass>();
        builder.Services.AddSingleton<FrontEndIdentity>();
        builder.Services.AddSingleton<EntryCache>();
        builder.Services.AddSingleton<MasterWord>();
        builder.Services.AddBackground<StreamReports>();
        builder.Services.AddSingleton<ServeMovies>();
        return builder;
    }

    public static WebApplication MapMdfsWeb(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<MasterAddresses>().Configured)
            throw ConfiguredMasters.Missing();
        app.UseMdfsServiceDefaults();
        app.MapMdfsConsole();
        app.MapMdfsHealth();
        // /metrics is the cluster's, as in the original: monitoring scripts look for the classic lines there.
        app.MapMdfsMetrics(path: "/web/metrics");
        if (app.Services.GetRequiredService<IOptions<GatewayOptions>>().Value.Enabled)
        {
            // Asked for now, so that its counters stand at zero before anything has happened.
            app.Services.GetRequiredService<StreamMetrics>();
            app.Services.GetRequiredService<ServeMovies>().Map(app);
        }

        var forwarder = app.Services.GetRequiredService<MasterForwarder>();
        // The console has a page of that name, which would take POST as well.
        app.MapPost("/upload", forwarder.ForwardAsync).WithOrder(-1).AuthorisedByHandler("the master decides");
        app.Map("/{**path}", forwarder.ForwardAsync).WithOrder(int.MaxValue).AuthorisedByHandler("the master decides");
        return app;
    }

    public static WebApplicationBuilder AddMdfsConsole(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<WebOptions>().Bind(builder.Configuration.GetSection(WebOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<WebOptions>, WebOptionsValidator>();

        // Api: the master, as pages ask it.
        services.AddSingleton<MasterAddresses>();
        services.AddSingleton<MasterApi>();

        // Sessions: who is signed in.
        services.AddSingleton<ConsoleRedis>();
        services.AddSingleton<SessionStore>();
        services.AddBackground<SessionReview>();
        services.AddSingleton<IAccessPass, CookiePass>();
        services.AddTransient<IStartupFilter, CookieAuthorityFilter>();
        KeyRing.Add(services);
        services.AddAntiforgery(static antiforgery =>
        {
            antiforgery.Cookie.Name = "mdfs-form";
            antiforgery.Cookie.SameSite = SameSiteMode.Strict;
            antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            antiforgery.FormFieldName = "form";
            // PageGuard says that nobody may frame us.
            antiforgery.SuppressXFrameOptionsHeader = true;
        });

        // Watching: how the cluster fares, asked once for all.
        services.AddBackground<ClusterWatch>();

        // Pages and what stands on them.
        services.AddSingleton<ConsoleAssets>();
        services.AddLocalization();
        services.AddRazorComponents().AddInteractiveServerComponents(static circuits =>
        {
            // A telephone that was put aside for a while goes on where it was.
            circuits.DisconnectedCircuitRetentionPeriod = TimeSpan.FromMinutes(10);
            circuits.DisconnectedCircuitMaxRetained = 50;
        });
        services.AddMudServices(static mud =>
        {
            mud.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomStart;
            mud.SnackbarConfiguration.PreventDuplicates = false;
            mud.SnackbarConfiguration.VisibleStateDuration = 6000;
        });
        services.Replace(ServiceDescriptor.Transient<MudLocalizer, MudWords>());
        services.AddScoped<Viewer>();
        services.AddScoped<CircuitHandler, CircuitLanguage>();
        return builder;
    }

    public static WebApplication MapMdfsConsole(this WebApplication app)
    {
        app.UseMiddleware<PageGuard>();
        app.Use(NowherePage.ShowAsync);
        app.UseAntiforgery();
        app.WithHead().MapSignIn();
        app.Services.GetRequiredService<ConsoleAssets>().Map(app);
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(static server =>
        {
            // PageGuard sets it, stricter and on every page.
            server.ContentSecurityFrameAncestorsPolicy = null;
        }).IsConsolePage().OnlyReads();
        return app;
    }

    private static void AddBackground<T>(this IServiceCollection services)
        where T : class, IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(static provider => provider.GetRequiredService<T>());
    }
}
