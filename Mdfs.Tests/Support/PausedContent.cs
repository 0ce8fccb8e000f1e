using System.Net;

namespace Mdfs.Tests.Support;

/// <summary>A request body that stops in the middle until it is told to go on, so that something can happen meanwhile.</summary>
public sealed class PausedContent : HttpContent
{
    private readonly MovieBytes _movie;
    private readonly long _pauseAt;
    private readonly bool _announced;
    private readonly TaskCompletionSource _paused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="announced">Whether the request says how long it is.</param>
    public PausedContent(MovieBytes movie, long pauseAt, bool announced = true)
    {
        _movie = movie;
        _pauseAt = pauseAt;
        _announced = announced;
        if (announced) Headers.ContentLength = movie.Length;
    }

    /// <summary>Ends when everything in front of the pause has been handed to the connection.</summary>
    public Task Paused => _paused.Task;

    public void GoOn() => _goOn.TrySetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await using var front = _movie.Open(0, _pauseAt);
        await front.CopyToAsync(stream, cancellationToken);
        await stream.FlushAsync(cancellationToken);
        _paused.TrySetResult();
        await _goOn.Task.WaitAsync(cancellationToken);
        await using var back = _movie.Open(_pauseAt, _movie.Length - _pauseAt);
        await back.CopyToAsync(stream, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _movie.Length;
        return _announced;
    }
}
