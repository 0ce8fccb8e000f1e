// What other tabs of this browser are uploading: it is not unfinished, and is not to be sent a second time. Told over a channel, since locks exist only where there is TLS.
export class Tabs {
  #channel = new BroadcastChannel('mdfs-uploads');
  #tab = `${Math.random()}`;
  #mine = [];
  #elsewhere = new Map();

  /** @param changed Called when another tab has begun or ended something. */
  constructor(changed) {
    this.#channel.addEventListener('message', ({ data }) => {
      if (!data.keys) return this.#say(this.#mine);
      this.#elsewhere.set(data.tab, new Set(data.keys));
      changed();
    });
    addEventListener('pagehide', () => this.#say([]));
    addEventListener('pageshow', event => { if (event.persisted) this.#say(this.#mine); });
    // A tab that crashed takes no leave: who comes to look asks anew who is there.
    document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') this.#ask(); });
    this.#ask();
  }

  /** Whether another tab is at it. */
  has(key) {
    for (const keys of this.#elsewhere.values()) if (keys.has(key)) return true;
    return false;
  }

  /** All that this tab is at. */
  tell(keys) {
    if (keys.length === this.#mine.length && keys.every((key, at) => key === this.#mine[at])) return;
    this.#mine = keys;
    this.#say(keys);
  }

  #ask() {
    this.#elsewhere.clear();
    this.#channel.postMessage({ tab: this.#tab });
  }

  #say(keys) {
    this.#channel.postMessage({ tab: this.#tab, keys });
  }
}
