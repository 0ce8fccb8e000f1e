// The upload page: what stands on it is made here, of text nodes only, since the files never leave the browser by way of the circuit.
import { ofDrop, ofInput } from './upload-files.js';
import { UploadQueue } from './upload-queue.js';

let queue;
let view;

/** One queue per tab, whatever page is shown. */
export async function mount(host, options) {
  if (!queue) {
    await import(options.library);
    queue = new UploadQueue(globalThis.tus);
  }
  queue.rules = { extensions: options.extensions, maxSize: options.maxSize };
  view?.close();
  view = new View(host, options, queue);
  queue.shown = true;
}

export function unmount() {
  view?.close();
  view = undefined;
  if (queue) queue.shown = false;
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter(child => child != null));
  return made;
}

class View {
  #rows = new Map();
  #stop = new AbortController();
  #frame = 0;

  constructor(host, options, uploads) {
    Object.assign(this, { host, options, uploads, words: options.words });
    this.#build();
    const { signal } = this.#stop;
    uploads.addEventListener('change', () => { this.#frame ||= requestAnimationFrame(() => this.#draw()); }, { signal });
    uploads.addEventListener('state', event => this.#tell(event.detail), { signal });
    this.#draw();
  }

  close() {
    this.#stop.abort();
    cancelAnimationFrame(this.#frame);
    this.host.replaceChildren();
  }

  word(key, ...values) {
    return this.#filled(this.words[key] ?? key, values);
  }

  /** A text that says how many: "one|many" where a language has two forms. */
  counted(key, number, ...values) {
    const [one, many] = (this.words[key] ?? key).split('|');
    return this.#filled(number === 1 ? one : many ?? one, values);
  }

  #filled(text, values) {
    return text.replace(/\{(\d)\}/g, (whole, index) => values[index] ?? whole);
  }

  #build() {
    const files = element('input', { type: 'file', multiple: true, class: 'visually-hidden', tabindex: -1, 'aria-hidden': 'true', accept: this.options.extensions.join(',') || null, 'data-pick': 'files', onchange: event => this.#picked(event) });
    const folder = element('input', { type: 'file', webkitdirectory: true, class: 'visually-hidden', tabindex: -1, 'aria-hidden': 'true', 'data-pick': 'folder', onchange: event => this.#picked(event) });
    this.zone = element('div', { class: 'panel drop-zone' },
      element('p', { class: 'drop-title' }, this.word('Drop')),
      element('p', { class: 'muted small' }, this.options.extensions.length > 0 ? this.word('Takes', this.options.extensions.join(' ')) : this.word('TakesAll')),
      element('div', { class: 'drop-buttons' },
        element('button', { type: 'button', class: 'plain-button primary', onclick: () => files.click() }, this.word('PickFiles')),
        element('button', { type: 'button', class: 'plain-button', onclick: () => folder.click() }, this.word('PickFolder'))),
      files, folder);
    this.totals = element('div', { class: 'panel upload-total', hidden: true });
    this.left = element('section', { class: 'panel', hidden: true, 'aria-label': this.word('Unfinished') });
    this.list = element('ul', { class: 'uploads', 'aria-label': this.word('List') });
    this.panel = element('div', { class: 'panel', hidden: true }, this.list);
    this.said = element('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
    this.host.replaceChildren(this.zone, this.left, this.totals, this.panel, this.said);

    const { signal } = this.#stop;
    // Anywhere on the page: a drop that misses would else replace the console by the film.
    let depth = 0;
    const carries = event => event.dataTransfer?.types.includes('Files');
    addEventListener('dragenter', event => { if (carries(event)) { depth++; this.zone.classList.add('over'); } }, { signal });
    addEventListener('dragleave', event => { if (carries(event) && --depth <= 0) { depth = 0; this.zone.classList.remove('over'); } }, { signal });
    addEventListener('dragover', event => { if (carries(event)) { event.preventDefault(); event.dataTransfer.dropEffect = 'copy'; } }, { signal });
    addEventListener('drop', async event => {
      if (!carries(event)) return;
      event.preventDefault();
      depth = 0;
      this.zone.classList.remove('over');
      await this.uploads.add(await ofDrop(event.dataTransfer));
    }, { signal });
  }

  async #picked(event) {
    const found = ofInput(event.target);
    // The same file can be picked again.
    event.target.value = '';
    await this.uploads.add(found);
  }

  #draw() {
    this.#frame = 0;
    const items = this.uploads.items;
    this.#drawLeftovers();
    this.#drawTotals(items);
    this.panel.hidden = items.length === 0;
    const shown = new Set(items);
    for (const [item, row] of this.#rows) {
      if (shown.has(item)) continue;
      row.root.remove();
      this.#rows.delete(item);
    }
    for (const item of items) {
      let row = this.#rows.get(item);
      if (!row) {
        row = this.#row(item);
        this.#rows.set(item, row);
        this.list.append(row.root);
      }
      this.#refresh(item, row);
    }
  }

  #row(item) {
    const name = element('span', { class: 'upload-name', dir: 'auto' });
    const bar = element('span');
    const meter = element('div', { class: 'meter', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 }, bar);
    const text = element('p', { class: 'upload-text small' });
    const buttons = element('div', { class: 'upload-buttons' });
    return { root: element('li', {}, element('div', { class: 'upload-main' }, name, meter, text), buttons), name, bar, meter, text, buttons, of: null };
  }

  #refresh(item, row) {
    row.root.dataset.state = item.state;
    row.root.dataset.name = item.name;
    if (row.name.textContent !== item.name) row.name.textContent = item.name;
    row.name.title = item.path;
    const share = item.size > 0 ? Math.floor(100 * item.sent / item.size) : 0;
    row.meter.hidden = !item.unfinished && item.state !== 'failed';
    row.meter.setAttribute('aria-valuenow', share);
    row.meter.setAttribute('aria-label', item.name);
    row.meter.classList.toggle('warn', item.state === 'offline' || item.state === 'paused');
    row.bar.style.width = `${share}%`;
    const text = this.#text(item, share);
    if (row.text.textContent !== text) row.text.textContent = text;
    row.text.classList.toggle('text-bad', item.state === 'failed' || item.state === 'refused');
    row.text.classList.toggle('text-warn', item.state === 'offline' || item.state === 'asking');
    row.text.classList.toggle('text-good', item.state === 'done');
    // Only when they change: a button that is made anew loses the keyboard's focus.
    if (row.of === item.state) return;
    row.of = item.state;
    const focused = row.buttons.contains(document.activeElement);
    row.buttons.replaceChildren(...this.#buttons(item));
    if (focused) row.buttons.querySelector('button')?.focus();
  }

  #text(item, share) {
    const done = `${this.bytes(item.sent)} / ${this.bytes(item.size)} · ${share} %`;
    const why = item.why ? this.word(item.why[0], ...item.why.slice(1).map(value => item.why[0] === 'TooLarge' ? this.bytes(value) : value)) : '';
    switch (item.state) {
      case 'checking': return why || this.word('Checking');
      case 'asking': return this.word('Exists');
      case 'ready': return `${this.bytes(item.size)} · ${this.word('Waiting')}`;
      case 'sending': return item.sent >= item.size ? `${this.bytes(item.size)} · ${this.word('Storing')}` : item.speed > 0 ? `${done} · ${this.bytes(item.speed)}/s · ${this.word('Left', this.duration((item.size - item.sent) / item.speed))}` : done;
      case 'offline': return `${done} · ${why}`;
      case 'paused': return `${done} · ${this.word('Paused')}`;
      case 'done': return item.copies === undefined ? this.word('Done', this.bytes(item.size)) : this.counted('DoneCopies', item.wanted, this.bytes(item.size), item.copies, item.wanted);
      case 'cancelled': return why || this.word('Cancelled');
      default: return why;
    }
  }

  #buttons(item) {
    const button = (key, act, kind = '') => element('button', { type: 'button', class: `plain-button ${kind}`, 'aria-label': this.word(`${key}Named`, item.name), 'data-act': key, onclick: act }, this.word(key));
    const uploads = this.uploads;
    switch (item.state) {
      case 'asking': {
        const several = uploads.items.filter(other => other.state === 'asking').length > 1;
        const all = element('input', { type: 'checkbox' });
        const choose = choice => () => uploads.answer(item, choice, all.checked);
        return [
          ...(several ? [element('label', { class: 'small for-all' }, all, this.word('ForAll'))] : []),
          button('Replace', choose('replace')), button('Keep', choose('keep')), button('Skip', choose('skip')),
        ];
      }
      case 'checking': return [button('Cancel', () => uploads.cancel(item))];
      case 'ready':
      case 'sending':
      case 'offline': return [button('Pause', () => uploads.pause(item)), button('Cancel', () => uploads.cancel(item))];
      case 'paused': return [button('Resume', () => uploads.resume(item), 'primary'), button('Cancel', () => uploads.cancel(item))];
      case 'failed': return [button('Retry', () => uploads.resume(item), 'primary'), button('Remove', () => uploads.drop(item))];
      case 'done':
      case 'refused':
      case 'cancelled': return [button('Remove', () => uploads.drop(item))];
      default: return [];
    }
  }

  #drawTotals(items) {
    const counted = items.filter(item => item.unfinished || item.state === 'done');
    const open = counted.filter(item => item.unfinished);
    const size = counted.reduce((sum, item) => sum + item.size, 0);
    const sent = counted.reduce((sum, item) => sum + item.sent, 0);
    const speed = open.reduce((sum, item) => sum + item.speed, 0);
    this.totals.hidden = items.length === 0;
    if (items.length === 0) return;
    if (!this.totals.firstChild) {
      this.totalText = element('p', { class: 'upload-sum' });
      this.totalBar = element('span');
      this.totalMeter = element('div', { class: 'meter', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-label': this.word('Total') }, this.totalBar);
      const all = (key, act) => element('button', { type: 'button', class: 'plain-button', 'data-all': key, onclick: act }, this.word(key));
      this.pauseAll = all('PauseAll', () => this.uploads.pauseAll());
      this.resumeAll = all('ResumeAll', () => this.uploads.resumeAll());
      this.clear = all('Clear', () => this.uploads.clear());
      this.totals.append(element('div', { class: 'upload-main' }, this.totalText, this.totalMeter), element('div', { class: 'upload-buttons' }, this.pauseAll, this.resumeAll, this.clear));
    }
    const share = size > 0 ? Math.floor(100 * sent / size) : 100;
    this.totalBar.style.width = `${share}%`;
    this.totalMeter.setAttribute('aria-valuenow', share);
    const left = speed > 0 && open.length > 0 ? ` · ${this.bytes(speed)}/s · ${this.word('Left', this.duration((size - sent) / speed))}` : '';
    const text = `${this.word('Sum', counted.length - open.length, counted.length)} · ${this.bytes(sent)} / ${this.bytes(size)} · ${share} %${left}`;
    if (this.totalText.textContent !== text) this.totalText.textContent = text;
    this.pauseAll.hidden = !open.some(item => item.active || item.state === 'ready' || item.state === 'checking' && !item.held);
    this.resumeAll.hidden = !items.some(item => item.state === 'paused' || item.state === 'failed' || item.unfinished && item.held);
    this.clear.hidden = !items.some(item => !item.unfinished && item.state !== 'failed');
  }

  #drawLeftovers() {
    const kept = this.uploads.leftovers();
    this.left.hidden = kept.length === 0;
    const key = JSON.stringify(kept);
    if (key === this.leftKey) return;
    this.leftKey = key;
    this.left.replaceChildren(
      element('h2', {}, this.word('Unfinished')),
      element('p', { class: 'muted small' }, this.word('UnfinishedLead')),
      element('ul', { class: 'leftovers' }, ...kept.map(one => element('li', {},
        element('span', { class: 'upload-name', dir: 'auto' }, one.name),
        element('span', { class: 'muted small' }, this.bytes(one.size)),
        element('button', { type: 'button', class: 'plain-button', 'aria-label': this.word('DiscardNamed', one.name), onclick: () => this.uploads.discard(one) }, this.word('Discard'))))));
  }

  #tell(item) {
    const key = { done: 'SaidDone', failed: 'SaidFailed', refused: 'SaidRefused', asking: 'SaidAsking' }[item.state];
    if (key) this.said.textContent = this.word(key, item.name);
  }

  bytes(count) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0;
    for (; count >= 1024 && unit < units.length - 1; unit++) count /= 1024;
    return `${new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: unit === 0 || count >= 100 ? 0 : 1 }).format(count)} ${units[unit]}`;
  }

  duration(seconds) {
    seconds = Math.max(1, Math.round(seconds));
    if (seconds < 60) return this.word('Seconds', seconds);
    if (seconds < 3600) return this.word('Minutes', Math.ceil(seconds / 60));
    return this.word('Hours', Math.floor(seconds / 3600), Math.round(seconds % 3600 / 60));
  }
}
