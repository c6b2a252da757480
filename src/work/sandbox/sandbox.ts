/**
 * The port of sandboxes: walls around a command. A sandbox does not run anything; it says what to spawn instead, so that
 * whoever runs processes (time limits, output, process groups) does it in one way with and without walls.
 *
 * Inside, the workspace is `/workspace` and writable, `/tmp`, `/dev/shm` and the home are private, empty and small, the
 * system's programs can be read, and there is nothing else: no network, no other file, no environment but the one given.
 */

/** Where the workspace is for whoever is inside. */
export const INSIDE = '/workspace';

export interface Mount {
  /** Absolute path on this machine, where nobody inside can put a link. */
  readonly from: string;
  /** Absolute path inside, not in the workspace; the same as `from` where it is missing. */
  readonly to?: string;
  readonly write?: boolean;
}

/** A TCP port on the loopback inside that leads to a unix socket outside: the only way out there is. */
export interface Relay {
  readonly port: number;
  /** Absolute path of the socket on this machine. */
  readonly socket: string;
}

/** Limits of one sandbox. Bytes, seconds of CPU, counts. */
export interface SandboxLimits {
  readonly processes: number;
  /** Of all processes together where the system can do that, else of each. */
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
  /** Of one file that is written. */
  readonly fileBytes: number;
  readonly openFiles: number;
  /** Of `/tmp`, `/dev/shm` and the home, each. */
  readonly temporaryBytes: number;
}
export const SANDBOX_LIMITS: SandboxLimits = {
  processes: 512,
  memoryBytes: 8 * 2 ** 30,
  cpuSeconds: 3600,
  fileBytes: 2 ** 30,
  openFiles: 4096,
  temporaryBytes: 512 * 2 ** 20,
};

export interface SandboxRequest {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Absolute path of the workspace on this machine; `/workspace` inside. */
  readonly workspace: string;
  /** Folder inside where the command begins. Default `/workspace`. */
  readonly cwd?: string;
  /** The whole environment; `PATH`, `HOME`, `TMPDIR` and `LANG` have defaults. */
  readonly env: Readonly<Record<string, string>>;
  readonly mounts?: readonly Mount[];
  /** Paths in the workspace that can't be written, renamed or replaced, relative to it. What is not there is not held; a link is refused. */
  readonly readOnly?: readonly string[];
  readonly relays?: readonly Relay[];
  readonly limits?: Partial<SandboxLimits>;
}

/**
 * What to spawn in place of the command. Once that process is killed and `release` is done, nothing inside is left. It
 * ends with the command's exit code, or 128 and the number of the signal that ended it.
 */
export interface Wrapped {
  readonly command: readonly [string, ...string[]];
  /**
   * The whole environment to spawn it with; anything added can be read inside. The command's own comes in it under other
   * names, since arguments could be read by everybody.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Whom to spawn it as; missing when that is nobody else. */
  readonly uid?: number;
  readonly gid?: number;
  /** Ends whatever is left and gives back what the walls took. To be called once the spawned process is gone; may be repeated. */
  release(): Promise<void>;
}

/** What a probe saw with its canaries. */
export interface Probe {
  readonly ok: boolean;
  /** One line: why it can't be used, or what holds its limits (`processes, memory: cgroup`). */
  readonly says: string;
  /** Canaries that came through. Empty when `ok`. */
  readonly leaks: readonly string[];
  readonly ms: number;
}

export interface Sandbox {
  readonly name: 'bubblewrap' | 'container';
  /** Tries every wall for real. Never throws. */
  probe(): Promise<Probe>;
  /** Who must own the workspace, when Baton is root; nobody else otherwise. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** @throws BatonError `SANDBOX_UNREACHABLE` when a path can't be used by the user inside, `SANDBOX_REQUEST` for a bad request. */
  wrap(request: SandboxRequest): Promise<Wrapped>;
}

/** The sandbox of this machine, chosen by probe. */
export interface Sandboxes {
  /** In order of preference, each with what its probe said; probed once. */
  probes(): Promise<readonly { readonly sandbox: Sandbox; readonly probe: Probe }[]>;
  /** @throws BatonError `SANDBOX_UNAVAILABLE` when no probe passed: there is no falling back to plain execution. */
  choose(): Promise<Sandbox>;
}
