using Mdfs.Tests.Support;
using Mdfs.Web.Sessions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>Coming in and going out with a real browser.</summary>
[Collection(ConsoleCluster.Name)]
public sealed class SignInBrowserTests(Chromium chromium, SharedCluster shared)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_script_on_a_page_can_see_who_is_signed_in_and_signing_out_leads_out_of_every_page()
    {
        await using var visit = await chromium.EnterAsync(shared.Client.Master, "/movies");
        Assert.DoesNotContain("mdfs-session", await visit.Page.EvaluateAsync<string>("document.cookie"));
        Assert.DoesNotContain(TestCluster.AdminKey, await visit.Page.ContentAsync());
        await visit.Button("Account").ClickAsync();
        await visit.Text("Sign out").ClickAsync();
        await visit.Page.IsSignInAsync();
        await visit.Page.GotoAsync("upload");
        Assert.Contains("/sign-in", visit.Page.Url);
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task A_wrong_key_is_told_and_signing_out_empties_every_tab()
    {
        await using var visit = await ConsoleVisit.StartAsync(chromium, shared.Client.Master);
        await visit.SignInAsync("not the key");
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("That is not the admin key.");
        await visit.SignInAsync();
        var second = await visit.NewPageAsync();
        await second.GotoAsync("nodes");
        await second.Locator("main h1").WaitForAsync();
        await visit.Button("Account").ClickAsync();
        await visit.Text("Sign out").ClickAsync();
        await visit.Page.IsSignInAsync();
        await second.IsSignInAsync();
        visit.AssertNothingWrong();
    }

    [Fact]
    public async Task Signing_out_everywhere_ends_what_is_open_in_another_browser()
    {
        await using var here = await chromium.EnterAsync(shared.Client.Master, "/movies");
        await using var there = await chromium.EnterAsync(shared.Client.Master, "/nodes");
        await here.Button("Account").ClickAsync();
        await here.Text("Sign out on all devices").ClickAsync();
        await here.Page.IsSignInAsync();
        await there.Page.IsSignInAsync();
    }

    [Fact]
    public async Task A_page_whose_session_ended_while_it_was_cut_off_asks_for_the_key_as_soon_as_it_is_back()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled);
        await using var network = new NetworkProxy(web.Address.Port);
        await using var visit = await chromium.EnterAsync(network.Address, "/nodes");
        network.Cut();
        await Assertions.Expect(visit.Text("The connection to the console is lost. Trying again…")).ToBeVisibleAsync();
        await web.Services.GetRequiredService<SessionStore>().EndAllAsync();
        network.Mend();
        await visit.Page.IsSignInAsync();
    }

    [Fact]
    public async Task Who_tries_too_often_has_to_wait_even_with_the_right_key()
    {
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled, ("Mdfs:KeyFailures", "3"));
        await using var visit = await ConsoleVisit.StartAsync(chromium, web.Address);
        for (var i = 0; i < 3; i++) await visit.SignInAsync($"wrong {i}");
        await visit.SignInAsync(TestCluster.AdminKey + " ");
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Too many wrong keys");
        visit.AssertNothingWrong();
    }
}
