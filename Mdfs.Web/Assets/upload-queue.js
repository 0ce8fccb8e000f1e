// Uploads of this tab: a few at a time, by tus 1.0, so that none begins anew because the network blinked. They go on while other pages of the console are shown.
import { freeName, refusal, spell } from './upload-rules.js';
import { Tabs } from './upload-tabs.js';

export const atOnce = 2;

/** So many may wait for the server to say something of their names without holding up the others. */
const beside = 8;
const endpoint = '/api/uploads';
const storage = 'mdfs-uploads';

/** checking → asking → ready → sending ⇄ paused | offline → done | failed | refused | cancelled */
class Item {
  /** What is to become of a movie of that name is known: there is none, or somebody has decided. */
  checked = false;

  /** All were paused before it could begin. */
  held = false;

  constructor(file, path, name, batch) {
    Object.assign(this, { id: crypto.randomUUID?.() ?? `${Math.random()}`, file, path, name, batch, size: file?.size ?? 0, sent: 0, speed: 0, state: 'checking', why: null });
  }

  get active() { return this.state === 'sending' || this.state === 'offline'; }

  /** As long as nobody stops it; what is paused or asks waits for somebody. */
  get goesOn() { return this.unfinished && this.state !== 'paused' && this.state !== 'asking'; }

  get unfinished() { return ['checking', 'asking', 'ready', 'sending', 'offline', 'paused'].includes(this.state); }
}

export class UploadQueue extends EventTarget {
  items = [];
  rules = { extensions: [], maxSize: 0 };
  #tus;
  #tabs = new Tabs(() => this.#changed());
  #stuck = 0;
  #shown = false;

  constructor(tus) {
    super();
    this.#tus = tus;
    addEventListener('online', () => this.#wake());
    addEventListener('beforeunload', event => { if (this.items.some(item => item.active)) event.preventDefault(); });
    setInterval(() => this.#measure(), 1000);
  }

  /** Whether the page is shown on which an upload can be answered or resumed. */
  set shown(value) {
    this.#shown = value;
    this.#tell();
  }

  /** Looks at each file before a byte of it is sent. */
  async add(files) {
    await this.#tabs.ask();
    const fresh = [];
    // "For all of them" is said of what came together: a film that is added hours later is asked about again.
    const batch = { answer: null };
    for (const { file, path } of files) {
      const item = new Item(file, path, spell(file?.name ?? path.slice(path.lastIndexOf('/') + 1)), batch);
      const why = file ? refusal(item.name, item.size, this.rules) : ['Unreadable'];
      if (why) this.#set(item, 'refused', why);
      else if (this.#tabs.has(this.#key(item))) this.#set(item, 'refused', ['Elsewhere']);
      else if (this.items.some(other => other.unfinished && other.name === item.name)) this.#set(item, 'refused', ['Twice']);
      this.items.push(item);
      if (item.state !== 'refused') fresh.push(item);
    }
    this.#tell();
    this.#changed();
    await this.#each(fresh, (item, next) => this.#check(item, next));
  }

  /** What to do with a movie of that name: 'replace', 'keep' (both) or 'skip'. */
  async answer(item, choice, all) {
    const asked = all ? this.items.filter(other => other.state === 'asking') : [item];
    if (all) for (const one of asked) one.batch.answer = choice;
    await this.#each(asked, (one, next) => this.#decide(one, choice, next));
  }

  pause(item) {
    if (item.state === 'ready') return this.#set(item, 'paused');
    if (!item.active) return;
    this.#set(item, 'paused');
    if (!item.creating) item.upload?.abort();
    clearTimeout(item.timer);
    this.#fill();
  }

  pauseAll() {
    // What is not ready yet would begin as soon as it is.
    for (const item of this.items) if (item.state === 'checking' || item.state === 'asking') item.held = true;
    // Those that wait before those that are sent: each that stops makes room for the next that waits, which would be begun only to be paused.
    for (const item of this.items.filter(item => item.state === 'ready')) this.pause(item);
    for (const item of this.items.filter(item => item.active)) this.pause(item);
    this.#changed();
  }

  resumeAll() {
    for (const item of this.items) {
      item.held = false;
      this.resume(item);
    }
    this.#changed();
  }

  resume(item) {
    if (item.state !== 'paused' && item.state !== 'failed') return;
    if (item.checked) return this.#ready(item);
    this.#set(item, 'checking');
    this.#check(item);
  }

  /** Also on the server: its bytes are removed there. */
  async cancel(item) {
    this.#set(item, 'cancelled');
    clearTimeout(item.timer);
    item.wake?.();
    this.#fill();
    // Its address is not known yet: it is removed as soon as it is.
    if (item.creating) return;
    await this.#remove(item);
  }

  drop(item) {
    this.items = this.items.filter(other => other !== item);
    this.#tell();
    this.#changed();
  }

  clear() {
    this.items = this.items.filter(item => item.unfinished || item.state === 'failed');
    this.#changed();
  }

  /** Begun in this browser and not finished, in another life of the page: the same file, picked again, goes on where it was. */
  leftovers() {
    const known = new Set(this.items.filter(item => item.unfinished).map(item => this.#key(item)));
    return this.#read().filter(kept => !known.has(kept.key) && !this.#tabs.has(kept.key));
  }

  async discard(kept) {
    this.#write(this.#read().filter(other => other.key !== kept.key));
    this.#changed();
    await this.#terminate(kept.url);
  }

  /** One after the other, except that none waits for one that says `next` before it is done. */
  async #each(items, act) {
    for (const item of items) await new Promise((next, fail) => act(item, next).then(next, fail));
  }

  async #check(item, next) {
    if (item.state !== 'checking') return;
    // Goes on with what has been decided.
    if (this.#read().some(kept => kept.key === this.#key(item))) return this.#ready(item);
    const there = await this.#exists(item, item.name, next);
    if (there === null) return;
    if (!there) {
      item.checked = item.free = true;
      return this.#ready(item);
    }
    if (item.batch.answer) return this.#decide(item, item.batch.answer, next);
    this.#set(item, 'asking');
  }

  /** Whether there is a movie of that name: asked for as long as nobody can say, since it would be replaced without a question. Null: that is not wanted to know any more, or never to be known. */
  async #exists(item, name, next) {
    let failures = 0;
    try {
      while (item.state === 'checking') {
        const { there, failed, waits } = await exists(name);
        if (item.state !== 'checking') break;
        if (failed) {
          this.#set(item, 'failed', failed);
          break;
        }
        if (!waits) return there;
        // The name may be what is wrong, and then the others are none the worse for it; when many wait, it is the server, which is not to be asked for each of a thousand.
        if (failures++ === 0) this.#stuck++;
        if (this.#stuck <= beside) next?.();
        this.#set(item, 'checking', waits);
        await new Promise(resolve => {
          item.wake = resolve;
          item.timer = setTimeout(resolve, patience(failures));
        });
      }
    } finally {
      if (failures > 0) this.#stuck--;
    }
    return null;
  }

  async #decide(item, choice, next) {
    if (item.state !== 'asking' && item.state !== 'checking') return;
    if (choice === 'skip') return this.#set(item, 'cancelled', ['Skipped']);
    if (choice === 'keep') {
      this.#set(item, 'checking');
      const name = await freeName(item.name, async name => this.items.some(other => other !== item && other.unfinished && other.name === name) || await this.#exists(item, name, next));
      if (item.state !== 'checking') return;
      item.name = name;
    }
    item.checked = true;
    item.free = choice === 'keep';
    this.#ready(item);
  }

  #ready(item) {
    this.#set(item, item.held ? 'paused' : 'ready');
    item.held = false;
    this.#fill();
  }

  #fill() {
    let free = atOnce - this.items.filter(item => item.active).length;
    for (const item of this.items) {
      if (free <= 0) return;
      if (item.state !== 'ready') continue;
      free--;
      this.#send(item);
    }
  }

  #send(item) {
    this.#set(item, 'sending');
    item.failures ??= 0;
    if (!item.upload) {
      const kept = this.#read().find(other => other.key === this.#key(item));
      if (kept) item.name = kept.name;
      const upload = item.upload = new this.#tus.Upload(item.file, {
        // Never both: the library would begin anew when it is told that the server is away.
        endpoint: kept ? null : endpoint,
        uploadUrl: kept?.url ?? null,
        metadata: { filename: item.name, filetype: item.file.type },
        // Both are done here: the library would ask only a few times, and keeps its notes under other names.
        retryDelays: null,
        storeFingerprintForResuming: false,
        onBeforeRequest: request => {
          for (const [name, value] of Object.entries(headers())) request.setHeader(name, value);
          // Nobody was asked whether a movie may be replaced that comes by another way meanwhile.
          if (item.free && request.getMethod() === 'POST') request.setHeader('If-None-Match', '*');
        },
        onUploadUrlAvailable: () => {
          item.creating = false;
          upload.options.endpoint = null;
          if (item.state === 'cancelled') return void upload.abort(true).catch(() => {});
          this.#keep(item);
          if (item.state !== 'sending') upload.abort();
        },
        onProgress: sent => {
          if (item.state !== 'sending') return;
          item.sent = sent;
          item.failures = 0;
          this.#changed();
        },
        onError: error => {
          item.creating = false;
          this.#failed(item, error);
        },
        onSuccess: () => this.#done(item),
      });
    }
    // Paused and resumed while the server was still making it: that answer is waited for, else two would be made, and one would lie there for a day.
    if (item.creating) return;
    this.#start(item);
  }

  #start(item) {
    item.creating = item.upload.options.endpoint !== null;
    item.upload.start();
  }

  async #done(item) {
    item.sent = item.size;
    this.#forget(item);
    this.#set(item, 'done');
    this.#fill();
    try {
      const answer = await fetch(`/api/files/${encodeURIComponent(item.name)}`, { headers: headers(), cache: 'no-store' });
      if (answer.ok) {
        const facts = await answer.json();
        [item.copies, item.wanted] = [facts.copies, facts.copiesWanted];
        this.#changed();
      }
    } catch {
      // It is stored all the same.
    }
  }

  #failed(item, error) {
    if (item.state !== 'sending') return;
    const answer = error.originalResponse;
    const status = answer?.getStatus() ?? 0;
    if (status === 401 || status === 403) {
      item.upload = null;
      this.#set(item, 'failed', ['SignedOut']);
    } else if ((status === 404 || status === 410) && item.upload.url) {
      // Expired, or its workers are lost: from the beginning.
      this.#forget(item);
      item.upload = null;
      item.sent = 0;
      this.#set(item, 'paused');
      this.resume(item);
    } else if (status === 412) {
      // It has been taken since it was looked for, and the server has ended the upload: the same question as if it had been there.
      this.#forget(item);
      item.upload = null;
      item.sent = 0;
      item.free = false;
      this.#set(item, 'asking');
      if (item.batch.answer) this.#decide(item, item.batch.answer);
    } else if (status === 0 || status === 408 || status === 409 || status === 423 || status === 429 || status === 502 || status === 503 || status === 504) {
      // The way is bad, not the file: asked again for as long as it takes, and at once when the browser finds its network again.
      item.failures++;
      this.#set(item, 'offline', status === 0 ? ['Offline'] : said(answer) ? ['Server', said(answer)] : ['AnswersNow', status]);
      item.timer = setTimeout(() => this.#again(item), patience(item.failures));
      return;
    } else {
      this.#set(item, 'failed', ['Server', said(answer) ?? error.message]);
      // Nothing to go on from: an offset that the server does not have, a name that it does not take.
      if (status >= 400 && status < 500) {
        this.#forget(item);
        item.upload = null;
      }
    }
    this.#fill();
  }

  async #again(item) {
    if (item.state !== 'offline') return;
    clearTimeout(item.timer);
    // A file that was changed, moved or unplugged since it was chosen looks to a browser like a network that is away, and would for ever.
    const readable = await item.file.slice(0, 1).arrayBuffer().then(() => true, () => false);
    if (item.state !== 'offline') return;
    if (!readable) {
      this.#set(item, 'failed', ['Unreadable']);
      this.#fill();
      // What has arrived stays, for a disk that comes back: it can be tried again, or discarded. How much that is of one that was begun in another life of the page, nobody may have said yet.
      if (item.sent === 0 && !item.upload?.options.uploadUrl) await this.#remove(item);
      return;
    }

    this.#set(item, 'sending');
    this.#start(item);
  }

  #wake() {
    for (const item of this.items) {
      item.wake?.();
      this.#again(item);
    }
  }

  #measure() {
    let moved = false;
    for (const item of this.items) {
      if (item.state !== 'sending') {
        item.before = undefined;
        if (item.speed !== 0) moved = true;
        item.speed = 0;
        continue;
      }
      // A jump to where an upload goes on is no speed.
      const now = Math.max(0, item.sent - (item.before ?? item.sent));
      item.speed = item.before === undefined ? 0 : item.speed === 0 ? now : 0.7 * item.speed + 0.3 * now;
      item.before = item.sent;
      moved = true;
    }
    if (moved) this.#changed();
  }

  #set(item, state, why = null) {
    if (item.state === state && item.why === why) return;
    [item.state, item.why] = [state, why];
    this.dispatchEvent(new CustomEvent('state', { detail: item }));
    this.#tell();
    this.#changed();
  }

  #tell() {
    // For console.js: the page is not to begin anew under them. It would wait for ever for one that nobody can answer or resume there; that one can be chosen again.
    document.documentElement.toggleAttribute('data-uploading', this.items.some(item => this.#shown ? item.unfinished : item.goesOn));
    this.#tabs.tell(this.items.filter(item => item.unfinished).map(item => this.#key(item)));
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  #key(item) {
    return `${item.path} ${item.size} ${item.file.lastModified}`;
  }

  #keep(item) {
    const rest = this.#read().filter(kept => kept.key !== this.#key(item));
    this.#write([...rest, { key: this.#key(item), url: item.upload.url, name: item.name, size: item.size, at: Date.now() }]);
  }

  /** What there is of it on the server, and the note of where; it may have been begun in another life of the page, and not been sent in this one. */
  async #remove(item) {
    const url = item.upload?.url ?? this.#read().find(kept => kept.key === this.#key(item))?.url;
    const began = item.upload;
    item.upload = null;
    item.sent = 0;
    this.#forget(item);
    this.#changed();
    await began?.abort();
    if (url) await this.#terminate(url);
  }

  async #terminate(url) {
    try {
      await this.#tus.Upload.terminate(url, { headers: headers() });
    } catch {
      // Out of reach: it expires by itself.
    }
  }

  #forget(item) {
    this.#write(this.#read().filter(kept => kept.key !== this.#key(item)));
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(storage)) ?? [];
    } catch {
      return [];
    }
  }

  #write(kept) {
    try {
      localStorage.setItem(storage, JSON.stringify(kept));
    } catch {
      // No room or not allowed: then an upload does not survive a reload, and that is all.
    }
  }
}

/** Milliseconds until something is tried again. */
const patience = failures => Math.min(15000, 500 * 2 ** Math.min(failures, 5));

const headers = () => ({ 'X-Mdfs-Antiforgery': document.querySelector('meta[name=mdfs-antiforgery]')?.content ?? '' });

function said(answer) {
  try {
    return JSON.parse(answer.getBody()).detail;
  } catch {
    return null;
  }
}

/** Of a movie of that name: `there` is whether there is one, or nobody can say; why that is so stands in `waits` when it passes, in `failed` when it does not. */
async function exists(name) {
  try {
    const ask = method => fetch(`/api/files/${encodeURIComponent(name)}`, { method, headers: headers(), cache: 'no-store' });
    let answer = await ask('HEAD');
    // Something on the way may refuse HEAD alone; and what refuses GET as well says why.
    if (refuses(answer.status)) answer = await ask('GET');
    const { status, ok } = answer;
    if (ok) return { there: true };
    // A name that the master does not take is no movie's either: the upload is told what is wrong with it.
    if (status === 404 || status === 400) return { there: false };
    if (status === 401 || status === 403) return { failed: ['SignedOut'] };
    if (!refuses(status)) return { waits: ['AnswersNow', status] };
    const sentence = await answer.json().then(problem => problem.detail, () => null);
    return { failed: sentence ? ['Server', sentence] : ['Answers', status] };
  } catch {
    return { waits: ['Offline'] };
  }
}

/** For good, and not for what the name or the session is. */
const refuses = status => status >= 400 && status < 500 && ![400, 401, 403, 404, 408, 425, 429].includes(status);
