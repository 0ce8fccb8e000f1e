// Files, and folders with all that lies in them, however the browser hands them over.

/** From <input type=file>, with or without webkitdirectory. */
export const ofInput = input => [...input.files].map(file => ({ file, path: file.webkitRelativePath || file.name }));

/** From a drop. The entries must be taken before the first await: afterwards the browser has forgotten them. */
export function ofDrop(transfer) {
  const entries = [...transfer.items].filter(item => item.kind === 'file').map(item => item.webkitGetAsEntry?.() ?? item.getAsFile()).filter(Boolean);
  return collect(entries);
}

async function collect(entries) {
  const found = [];
  for (const entry of entries) {
    if (entry instanceof File) found.push({ file: entry, path: entry.name });
    else await walk(entry, found);
  }
  return found;
}

async function walk(entry, found) {
  const path = entry.fullPath.replace(/^\//, '');
  try {
    if (entry.isFile) {
      found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      // A hundred at a time, until there are none.
      const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (batch.length === 0) return;
      for (const inner of batch) await walk(inner, found);
    }
  } catch {
    // Gone, or not to be read by us: named in the list, and no reason to lose the others.
    found.push({ file: null, path });
  }
}
