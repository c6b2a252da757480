/**
 * A PostgreSQL of its own for peers that need one: the system's program, a new cluster in a temporary folder, on a port of
 * this machine only, with everything durable as it comes (`fsync` and `synchronous_commit` on).
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../ports.ts';

const START_MS = 20_000;
const USER = 'bench';
const CONNECTIONS = 150;

export class Postgres {
  readonly version: string;
  private readonly folder: string;
  private readonly port: number;
  private readonly server: ChildProcess;
  private readonly bin: string;

  private constructor(parts: { version: string; folder: string; port: number; server: ChildProcess; bin: string }) {
    this.version = parts.version;
    this.folder = parts.folder;
    this.port = parts.port;
    this.server = parts.server;
    this.bin = parts.bin;
  }

  /** @throws Error in words when there is none on this machine, or it does not start. */
  static async start(base: string): Promise<Postgres> {
    const bin = findBin();
    const account = unprivileged();
    const folder = mkdtempSync(join(base, 'postgres-'));
    const data = join(folder, 'data');
    mkdirSync(data);
    if (account) for (const each of [folder, data]) chownSync(each, account.uid, account.gid);
    chmodSync(folder, 0o755);
    chmodSync(data, 0o700);
    const as = { ...account, cwd: folder };
    execFileSync(join(bin, 'initdb'), ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8'], { ...as, stdio: 'pipe' });
    const port = await freePort();
    const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: folder, max_connections: CONNECTIONS };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawn(join(bin, 'postgres'), ['-D', data, ...options], { ...as, stdio: 'ignore' });
    const version = execFileSync(join(bin, 'postgres'), ['--version']).toString().trim();
    const postgres = new Postgres({ version, folder, port, server, bin });
    try {
      await postgres.untilReady();
    } catch (error) {
      await postgres.stop();
      throw error;
    }
    return postgres;
  }

  private async untilReady(): Promise<void> {
    for (let waited = 0; waited < START_MS; waited += 50) {
      try {
        this.query('SELECT 1');
        return;
      } catch {
        await sleep(50);
      }
    }
    throw new Error('PostgreSQL did not start');
  }

  private query(sql: string): void {
    const where = ['-h', '127.0.0.1', '-p', String(this.port), '-U', USER, '-d', 'postgres'];
    execFileSync(findProgram('psql', this.bin), [...where, '-qX', '-c', sql], { stdio: 'pipe' });
  }

  /** A new and empty database. @returns its address */
  fresh(name: string): string {
    this.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    this.query(`CREATE DATABASE ${name}`);
    return `postgresql://${USER}@127.0.0.1:${this.port}/${name}`;
  }

  /** The server's own processes, as far as the system tells. */
  processes(): number[] {
    const { pid } = this.server;
    const children = globSync('/proc/[0-9]*/stat').flatMap((file) => {
      try {
        const [number = '', rest = ''] = readFileSync(file, 'utf8').split(/ \(.*\) /s);
        return rest.split(' ')[1] === String(pid) ? [Number(number)] : [];
      } catch {
        return [];
      }
    });
    return pid === undefined ? [] : [pid, ...children];
  }

  async stop(): Promise<void> {
    if (this.server.exitCode === null) {
      const gone = new Promise((resolve) => this.server.once('exit', resolve));
      this.server.kill('SIGINT');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Folder of `initdb` and `postgres`. */
function findBin(): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/bin', ...globSync('/usr/lib/postgresql/*/bin').reverse()];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
  if (found === undefined) throw new Error('PostgreSQL is not installed (no initdb)');
  return found;
}

const findProgram = (name: string, bin: string): string => (existsSync(join(bin, name)) ? join(bin, name) : name);

/** PostgreSQL refuses to run as root: there, an account without rights is borrowed. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody'])
    try {
      const number = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }).toString());
      return { uid: number('-u'), gid: number('-g') };
    } catch {
      // Not on this machine.
    }
  throw new Error('PostgreSQL does not run as root, and there is no account "postgres" or "nobody"');
}
