using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Master.Files;

/// <summary>
/// A form's body, watched until its movie begins; from there on the transfer watches for itself. Who has shown the key may not fall silent. Who has not gets one such time for all that
/// stands in front of it, and is read no further than a key may be away: a connection costs the server something, and a byte now and then would keep it for ever.
/// </summary>
internal sealed class FormHead : ReadOnlyStream
{
    /// <summary>Bytes that are read without a key. One read may go beyond it.</summary>
    private const int MostWithoutKey = 64 << 10;

    private readonly Stream _body;
    private readonly SilenceWatch _watch;
    private long _read;
    private bool _trusted;
    private bool _passed;

    /// <param name="patience">The longest silence.</param>
    public FormHead(Stream body, TimeSpan patience, TimeProvider time, CancellationToken clientGone)
    {
        _body = body;
        _watch = new SilenceWatch(patience, time, clientGone);
        _watch.Begin();
    }

    /// <summary>Nothing came for too long, or no key.</summary>
    public bool Expired => _watch.Expired;

    /// <summary>More was to be read, and no key had come.</summary>
    public bool TooMuch { get; private set; }

    /// <summary>The key has come.</summary>
    public void Trust()
    {
        _trusted = true;
        _watch.End();
    }

    /// <summary>The movie begins, or nothing more is read.</summary>
    public void Pass()
    {
        if (_passed) return;
        _passed = true;
        _watch.Dispose();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_passed) return await _body.ReadAsync(buffer, cancellationToken);
        TooMuch = !_trusted && _read >= MostWithoutKey;
        if (TooMuch) throw new InvalidDataException("So much is not read without a key.");
        if (_trusted) _watch.Begin();
        var read = await _body.ReadAsync(buffer, _watch.Token);
        if (_trusted) _watch.End();
        _read += read;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Bytes are waited for, never by a thread.");

    protected override void Dispose(bool disposing)
    {
        Pass();
        base.Dispose(disposing);
    }
}
