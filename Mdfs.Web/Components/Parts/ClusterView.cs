using Mdfs.Web.Viewing;
using Mdfs.Web.Watching;
using Microsoft.AspNetCore.Components;

namespace Mdfs.Web.Components.Parts;

/// <summary>A component that shows the cluster as it is now: drawn anew after every look of the shared <see cref="ClusterWatch"/>, never asking by itself.</summary>
public abstract class ClusterView : ComponentBase, IDisposable
{
    private IDisposable? _viewing;

    [Inject]
    private ClusterWatch Watch { get; set; } = null!;

    [Inject]
    protected Viewer Viewer { get; set; } = null!;

    protected ClusterPicture Picture { get; private set; } = ClusterPicture.Empty;

    protected override void OnInitialized()
    {
        Picture = Watch.Picture;
        _viewing = Watch.Look(picture => _ = InvokeAsync(() => ShowAsync(picture)));
    }

    /// <summary>There is a new picture; called on the circuit's own thread.</summary>
    protected virtual Task OnPictureAsync() => Task.CompletedTask;

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _viewing?.Dispose();
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    private async Task ShowAsync(ClusterPicture picture)
    {
        // The watch calls from a thread of its own.
        Viewer.Speak();
        Picture = picture;
        await OnPictureAsync();
        StateHasChanged();
    }
}
