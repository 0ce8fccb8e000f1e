using System.Text;
using Microsoft.JSInterop;

namespace Mdfs.Web.Viewing;

/// <summary>Gives the browser a text to save as a file.</summary>
internal static class BrowserFiles
{
    /// <summary>A playlist of one movie, for VLC, mpv and Kodi. Names have no control characters, so that none can add a line.</summary>
    public static Task SaveMovieListAsync(this IJSRuntime browser, string name, string link) =>
        browser.SaveAsync($"{name}.m3u8", "audio/x-mpegurl", $"#EXTM3U\n#EXTINF:-1,{name}\n{link}\n");

    public static async Task SaveAsync(this IJSRuntime browser, string name, string type, string text)
    {
        using var content = new DotNetStreamReference(new MemoryStream(Encoding.UTF8.GetBytes(text)));
        await browser.InvokeVoidAsync("mdfsConsole.save", name, type, content);
    }
}
