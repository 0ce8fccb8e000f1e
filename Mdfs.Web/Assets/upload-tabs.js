// What other tabs of this browser are uploading: it is not unfinished, and is not to be sent a second time. Told over a channel, since locks exist only where there is TLS.

/** Milliseconds that a tab has to answer in: all are on this machine, and one that is being drawn is busy for a moment. */
const patience = 200;

export class Tabs {
  #channel = new BroadcastChannel('mdfs-uploads');
  #tab = `${Math.random()}`;
  #mine = [];
  #elsewhere = new Map();
  #asked = new Set();
  #changed;

  /** @param changed Called when another tab has begun or ended something. */
  constructor(changed) {
    this.#changed = changed;
    this.#channel.addEventListener('message', ({ data }) => {
      if (!data.keys) return this.#say(this.#mine);
      for (const answers of [this.#elsewhere, ...this.#asked]) answers.set(data.tab, new Set(data.keys));
      changed();
    });
    addEventListener('pagehide', () => this.#say([]));
    addEventListener('pageshow', event => { if (event.persisted) this.#say(this.#mine); });
    document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') this.ask(); });
    this.ask();
  }

  /** A tab that crashed takes no leave: who wants to know surely asks anew who is there. What was known stands until the answers are in, else a file could be taken meanwhile that another tab is sending. */
  async ask() {
    const answers = new Map();
    this.#asked.add(answers);
    this.#channel.postMessage({ tab: this.#tab });
    await new Promise(resolve => setTimeout(resolve, patience));
    this.#asked.delete(answers);
    this.#elsewhere = answers;
    this.#changed();
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

  #say(keys) {
    this.#channel.postMessage({ tab: this.#tab, keys });
  }
}
