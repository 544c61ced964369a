// The files that a person has chosen or dropped, directories with all that is in them, as `{path, file}`.

const promised = (start) => new Promise((resolve, reject) => start(resolve, reject));

async function* within(entry) {
  if (entry.isFile) {
    yield {path: entry.fullPath.replace(/^\//, ''), file: await promised((resolve, reject) => entry.file(resolve, reject))};
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await promised((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (!some.length) return;
    for (const inner of some) yield* within(inner);
  }
}

const plain = (file) => ({path: file.webkitRelativePath || file.name, file});

/** Of an `<input type=file>`, also one that takes a folder. */
export const ofInput = (input) => [...input.files].map(plain);

/** Of a drop. What the event holds is gone once its handler has returned, so that this looks at it at once. */
export function ofDrop(transfer) {
  const items = [...transfer.items].filter(({kind}) => kind === 'file');
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  return (async () => {
    const found = [];
    for (const entry of entries) {
      if (entry instanceof File) found.push(plain(entry));
      else for await (const file of within(entry)) found.push(file);
    }
    return found;
  })();
}
