// What the platform leaves open between the browser and the circuit.
(() => {
  // The circuit is looked for as long as it takes. A server that was restarted does not know it any more: then the page begins anew.
  Blazor.start({
    circuit: {
      reconnectionOptions: { maxRetries: 1_000_000, retryIntervalMilliseconds: attempt => attempt < 1 ? 0 : attempt < 10 ? 1000 : 3000 },
    },
  });
  const modal = document.getElementById('components-reconnect-modal');
  // Uploads need no circuit: they go on, and the page that begins anew ends them.
  const uploading = () => document.documentElement.hasAttribute('data-uploading');
  const reload = async () => {
    for (;;) {
      try {
        // Anything but silence: a page that says what is wrong is better than one that is frozen.
        const answer = await fetch(location.href, { method: 'HEAD', cache: 'no-store', redirect: 'manual' });
        if (!uploading() && (answer.status < 500 || answer.type === 'opaqueredirect')) return location.reload();
      } catch {
        // Still away.
      }
      await new Promise(resolve => setTimeout(resolve, 1500));
    }
  };
  // A session that ended meanwhile is told to the circuit as an attempt that failed, which it would repeat for ever. A page says it plainly: it leads to the sign-in.
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const answer = await fetch(location.href, { method: 'HEAD', cache: 'no-store', redirect: 'manual' });
      if (answer.status === 401 || answer.type === 'opaqueredirect') location.reload();
    } catch {
      // Still away.
    } finally {
      looking = false;
    }
  };
  modal.addEventListener('components-reconnect-state-changed', event => {
    if (event.detail.state === 'retrying' && event.detail.secondsToNextAttempt === 0) look();
    if (event.detail.state === 'rejected' || event.detail.state === 'failed' || event.detail.state === 'resume-failed') reload();
  });

  // A dialog is meant to hold the focus, but a menu that it was opened from takes it back as it closes, and so does a click beside it.
  const strayedFrom = event => event.target.closest?.('.mud-dialog, .mud-popover, .mud-snackbar') ? undefined : [...document.querySelectorAll('.mud-dialog')].at(-1);
  const bringBack = dialog => { dialog.tabIndex = -1; dialog.focus({ preventScroll: true }); };
  document.addEventListener('focusin', event => {
    const dialog = strayedFrom(event);
    if (dialog) bringBack(dialog);
  });
  document.addEventListener('keydown', event => {
    const dialog = strayedFrom(event);
    if (!dialog) return;
    if (event.key === 'Escape') dialog.querySelector('.mud-button-close')?.click();
    else bringBack(dialog);
  });

  // Copied here and not by way of the circuit: browsers allow it only in the click itself.
  const put = async text => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Without TLS there is no clipboard API; the old way works.
      const area = document.createElement('textarea');
      area.value = text;
      area.className = 'visually-hidden';
      const dialog = document.querySelector('.mud-dialog') ?? document.body;
      dialog.append(area);
      area.select();
      const done = document.execCommand('copy');
      area.remove();
      return done;
    }
  };
  document.addEventListener('click', async event => {
    const button = event.target.closest?.('[data-copy]');
    if (!button) return;
    event.preventDefault();
    const announcer = document.getElementById('announcer');
    const done = await put(button.dataset.copy);
    announcer.textContent = '';
    requestAnimationFrame(() => { announcer.textContent = done ? announcer.dataset.copied : announcer.dataset.notCopied; });
    button.classList.toggle('copied', done);
    setTimeout(() => button.classList.remove('copied'), 1500);
  });
})();
