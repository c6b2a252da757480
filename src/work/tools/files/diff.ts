/**
 * Reads unified diffs, as `diff -u` and Git write them and as models imitate them. Bytes go through as latin1, so that
 * what a patch does not mention stays as it is, whatever its encoding.
 */
import { BatonError } from '../../../errors.ts';
import { badPath } from './path.ts';

export interface Hunk {
  /** Where it says that it begins in the old file, from 1; 0 in an empty one. */
  readonly line: number;
  readonly old: readonly string[];
  readonly new: readonly string[];
  /** Line of the patch, for messages. */
  readonly at: number;
}

export interface FilePatch {
  /** Undefined for a file that is made. */
  readonly from: string | undefined;
  /** Undefined for a file that is deleted. */
  readonly to: string | undefined;
  /** Where the patch says so. */
  readonly executable?: boolean;
  readonly hunks: readonly Hunk[];
}

const NO_NEWLINE = '\\ No newline at end of file';

/** Lines keep their `\n`; the last of a file may have none. @throws BatonError `BAD_PATCH`, with the line of the patch */
export const readDiff = (patch: string): readonly FilePatch[] => new DiffReader(patch.split('\n')).files();

class DiffReader {
  private readonly lines: readonly string[];
  private at = 0;

  constructor(lines: readonly string[]) {
    this.lines = lines;
  }

  files(): readonly FilePatch[] {
    const files: FilePatch[] = [];
    while (this.at < this.lines.length) {
      if (this.here.startsWith('diff --git ') || this.isHeader()) files.push(this.file());
      else if (this.here.startsWith('@@ ')) throw this.bad('a hunk stands before any file; write `--- a/path` and `+++ b/path` above it');
      else this.at += 1;
    }
    if (files.length === 0) throw this.bad('there is no file in it; it must be a unified diff with `--- a/path` and `+++ b/path`');
    return files;
  }

  private get here(): string {
    return this.lines[this.at] ?? '';
  }

  private isHeader(): boolean {
    return this.here.startsWith('--- ') && (this.lines[this.at + 1] ?? '').startsWith('+++ ');
  }

  private file(): FilePatch {
    const begins = this.at;
    const extended = this.here.startsWith('diff --git ') ? this.extendedHeader() : {};
    let { from, to } = extended;
    if (this.isHeader()) {
      from = this.path(this.here.slice(4), 'a/');
      this.at += 1;
      to = this.path(this.here.slice(4), 'b/');
      this.at += 1;
    }
    const hunks: Hunk[] = [];
    while (this.here.startsWith('@@ ')) hunks.push(this.hunk());
    if (from === undefined && to === undefined) throw this.bad('it names no file', begins);
    if (hunks.length === 0 && from === to && extended.executable === undefined) throw this.bad(`it changes nothing in "${from}"`, begins);
    return { from, to, hunks, ...(extended.executable === undefined ? {} : { executable: extended.executable }) };
  }

  /** What Git says between `diff --git` and the first hunk. */
  private extendedHeader(): { from?: string | undefined; to?: string | undefined; executable?: boolean } {
    const [, a, b] = /^diff --git (?:"?a\/(.+?)"?) (?:"?b\/(.+?)"?)$/.exec(this.here) ?? [];
    let [from, to] = [a, b];
    let executable: boolean | undefined;
    this.at += 1;
    for (; this.at < this.lines.length && !this.isHeader() && !/^(@@ |diff --git )/.test(this.here); this.at += 1) {
      const [, key = '', value = ''] =
        /^(new file mode|deleted file mode|new mode|rename from|rename to|copy from|GIT binary patch|Binary files)(.*)$/.exec(this.here) ??
        [];
      if (key === 'GIT binary patch' || key === 'Binary files') throw this.bad('it changes a binary file, which this tool can not');
      if (key === 'copy from') throw this.bad('it copies a file, which this tool can not; write the copy as a new file');
      if (key === 'rename from') from = this.path(value.trim(), '');
      if (key === 'rename to') to = this.path(value.trim(), '');
      if (key === 'new file mode') from = undefined;
      if (key === 'deleted file mode') to = undefined;
      if (key === 'new file mode' || key === 'new mode') executable = this.isExecutable(value.trim());
    }
    for (const path of [from, to]) if (path !== undefined) this.checkPath(path);
    return { from, to, ...(executable === undefined ? {} : { executable }) };
  }

  private isExecutable(mode: string): boolean {
    if (mode === '100755') return true;
    if (mode === '100644') return false;
    throw this.bad(`it gives a file the mode ${mode}; only plain files (100644) and executable ones (100755) can be made`);
  }

  private hunk(): Hunk {
    const begins = this.at;
    const [, from, count = '1', , newCount = '1'] = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/.exec(this.here) ?? [];
    if (from === undefined) throw this.bad('this hunk header is not of the form `@@ -1,2 +3,4 @@`');
    this.at += 1;
    const old: string[] = [];
    const fresh: string[] = [];
    while (old.length < Number(count) || fresh.length < Number(newCount)) {
      const line = this.here;
      // Editors and models drop the space of an empty line.
      const sign = line === '' && this.at < this.lines.length - 1 ? ' ' : line[0];
      if (this.at >= this.lines.length || !(sign === ' ' || sign === '-' || sign === '+')) throw this.miscounted(begins, old, fresh);
      const text = `${line.slice(1)}\n`;
      if (sign !== '+') old.push(text);
      if (sign !== '-') fresh.push(text);
      this.at += 1;
      if (this.here.startsWith(NO_NEWLINE.slice(0, 2))) {
        if (sign !== '+') old.push((old.pop() ?? '').slice(0, -1));
        if (sign !== '-') fresh.push((fresh.pop() ?? '').slice(0, -1));
        this.at += 1;
      }
    }
    if (old.length !== Number(count) || fresh.length !== Number(newCount) || /^[ +]|^-(?!-- |- $)/.test(this.here))
      throw this.miscounted(begins, old, fresh);
    return { line: Number(from), old, new: fresh, at: begins + 1 };
  }

  private miscounted(begins: number, old: readonly string[], fresh: readonly string[]): BatonError {
    return this.bad(
      `the hunk does not have as many lines as \`${this.lines[begins]?.slice(0, 60)}\` says: at least ${old.length} old and ${fresh.length} new ones were read`,
      begins,
    );
  }

  /** @returns undefined for `/dev/null` */
  private path(written: string, prefix: string): string | undefined {
    const name = unquoted(written.split('\t')[0] ?? '').trimEnd();
    if (name === '/dev/null') return undefined;
    const path = prefix !== '' && name.startsWith(prefix) ? name.slice(prefix.length) : name.replace(/^\.\//, '');
    this.checkPath(path);
    return path;
  }

  private checkPath(path: string): void {
    const why = badPath(utf8(path));
    if (why !== undefined) throw this.bad(`its path ${JSON.stringify(utf8(path))} ${why}`);
  }

  private bad(message: string, at: number = this.at): BatonError {
    return new BatonError('BAD_PATCH', `Line ${at + 1} of the patch: ${message}.`, { details: { line: at + 1 } });
  }
}

/** Git quotes a path with unusual bytes as C does. */
const unquoted = (name: string): string => {
  if (!name.startsWith('"') || !name.endsWith('"')) return name;
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };
  return name
    .slice(1, -1)
    .replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (escapes[code] ?? code),
    );
};

export const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
export const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
