/** Lines that came and went, by file, counted in a unified diff as git writes it. */
export interface Lines {
  readonly added: number;
  readonly removed: number;
}

const HUNK = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/;

/** Files without a count are binary, have only another mode, or are beyond the end of a patch that was cut off. */
export function linesIn(patch: string): ReadonlyMap<string, Lines> {
  const found = new Map<string, Lines>();
  let path = '';
  // A line of a file may look like a head line: as many as the hunk has are its own.
  let [old, now] = [0, 0];
  let [added, removed] = [0, 0];
  const close = () => {
    if (path !== '' && added + removed > 0) found.set(path, { added, removed });
    [path, added, removed, old, now] = ['', 0, 0, 0, 0];
  };
  for (const line of patch.split('\n')) {
    if (old > 0 || now > 0) {
      if (line.startsWith('+')) [added, now] = [added + 1, now - 1];
      else if (line.startsWith('-')) [removed, old] = [removed + 1, old - 1];
      else if (!line.startsWith('\\')) [old, now] = [old - 1, now - 1];
      continue;
    }
    const hunk = HUNK.exec(line);
    if (hunk) [old, now] = [Number(hunk[1] ?? 1), Number(hunk[2] ?? 1)];
    else if (line.startsWith('diff --git ')) close();
    else if (line.startsWith('--- ') || line.startsWith('+++ ')) path = nameIn(line) ?? path;
  }
  close();
  return found;
}

/** `--- a/name`; with a tab behind it where the name has spaces. */
function nameIn(line: string): string | undefined {
  const name = line.slice(4).replace(/\t$/, '');
  return name.startsWith('a/') || name.startsWith('b/') ? name.slice(2) : undefined;
}
