// What the master will say of a name and a size, said before a byte is sent. The master has the last word (docs/http-api.md, "Names").
const utf8 = new TextEncoder();

/** The name as the master keeps it. */
export const spell = name => name.normalize('NFC');

/** A key of the page's words, with what belongs into them; null: nothing is wrong. */
export function refusal(name, size, rules) {
  if (name === '' || name === '.' || name === '..') return ['NameEmpty'];
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return ['NameControl'];
  if (/[\/\\]/.test(name)) return ['NameSlash'];
  if (/^\s|\s$/.test(name)) return ['NameSpace'];
  if (!name.isWellFormed()) return ['NameBroken'];
  if (utf8.encode(name).length > 255) return ['NameLong', utf8.encode(name).length];
  const dot = name.lastIndexOf('.');
  const extension = dot < 0 ? '' : name.slice(dot).toLowerCase();
  if (rules.extensions.length > 0 && !rules.extensions.includes(extension)) return ['Extension', extension || '–', rules.extensions.join(' ')];
  if (size === 0) return ['Empty'];
  if (rules.maxSize > 0 && size > rules.maxSize) return ['TooLarge', rules.maxSize];
  return null;
}

/** "film.mp4" → "film (2).mp4" → "film (3).mp4", until nobody has it. */
export async function freeName(name, taken) {
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let number = 2; ; number++) {
    const candidate = `${stem} (${number})${extension}`;
    if (!await taken(candidate)) return candidate;
  }
}
