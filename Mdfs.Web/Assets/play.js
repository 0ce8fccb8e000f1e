// What <video> does not do by itself: keys wherever the focus is in the dialog, and saying why a film does not play.
export function play(video, dialog) {
  const stop = new AbortController();
  const { signal } = stop;
  const tell = kind => dialog.invokeMethodAsync('Trouble', kind).catch(() => { });

  const failed = async () => {
    if (!signal.aborted && video.error) tell(await reason(video));
  };
  const known = () => tell(video.videoWidth === 0 ? 'picture' : 'none');
  video.addEventListener('error', failed, { signal });
  video.addEventListener('loadedmetadata', known, { signal });
  // It began before this script was there.
  if (video.error) failed();
  else if (video.readyState >= HTMLMediaElement.HAVE_METADATA) known();

  const seek = by => { if (Number.isFinite(video.duration)) video.currentTime = Math.min(video.duration, Math.max(0, video.currentTime + by)); };
  const act = {
    ' ': () => video.paused ? video.play().catch(() => { }) : video.pause(),
    k: () => act[' '](),
    ArrowLeft: () => seek(-5),
    ArrowRight: () => seek(5),
    j: () => seek(-10),
    l: () => seek(10),
    ArrowUp: () => { video.volume = Math.min(1, video.volume + 0.1); },
    ArrowDown: () => { video.volume = Math.max(0, video.volume - 0.1); },
    Home: () => seek(-Infinity),
    m: () => { video.muted = !video.muted; },
    f: () => { if (document.fullscreenElement) document.exitFullscreen(); else video.requestFullscreen().catch(() => { }); },
    p: () => float(),
  };
  // Captured, before the player's own keys: else each would count twice.
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const elsewhere = event.target.closest?.('button, a, input, textarea, select');
    if (elsewhere && (event.key === ' ' || event.key.startsWith('Arrow'))) return;
    const action = act[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }, { signal, capture: true });

  const canFloat = () => document.pictureInPictureEnabled === true;
  const float = async () => {
    if (!canFloat()) return;
    try {
      if (document.pictureInPictureElement === video) await document.exitPictureInPicture();
      else await video.requestPictureInPicture();
    } catch {
      // The film has not begun, or the browser does not allow it now.
    }
  };

  video.focus({ preventScroll: true });
  return {
    canFloat,
    float,
    stop() {
      stop.abort();
      // Lets go of the connection at once; a film that nobody watches need not be read.
      video.pause();
      video.removeAttribute('src');
      video.load();
    },
  };
}

async function reason(video) {
  try {
    const answer = await fetch(video.currentSrc || video.src, { method: 'HEAD', cache: 'no-store' });
    if (answer.status === 404) return 'gone';
    if (!answer.ok) return 'away';
  } catch {
    return 'away';
  }
  return video.error?.code === MediaError.MEDIA_ERR_NETWORK ? 'away' : 'format';
}
