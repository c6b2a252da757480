/** Drives `engine.ts` in a child process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export class EngineProcess {
  readonly child: ChildProcess;
  /** Resolves when it owns the home and has looked at every unfinished run. */
  readonly open: Promise<{ readonly runs: number; readonly lost: number }>;
  isOpen = false;
  private asked = 0;

  constructor(home: string, project: string, env: Readonly<Record<string, string>>) {
    const script = fileURLToPath(new URL('./engine.ts', import.meta.url));
    this.child = fork(script, [home, project], { env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.child.setMaxListeners(0);
    this.open = new Promise((resolve) => {
      this.child.on('message', (message: { at?: string; recovered?: { runs: number; lost: number } }) => {
        if (message.at !== 'open' || !message.recovered) return;
        this.isOpen = true;
        resolve(message.recovered);
      });
    });
  }

  ask<T>(ask: string, rest: Readonly<Record<string, unknown>>): Promise<T> {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      const listen = (message: { id?: number; value?: T; error?: string }) => {
        if (message.id !== id) return;
        this.child.off('message', listen);
        if (message.error === undefined) resolve(message.value as T);
        else reject(new Error(message.error));
      };
      this.child.on('message', listen);
      this.child.once('exit', (code, signal) => reject(new Error(`the engine ended (${code ?? signal}) while asked to ${ask}`)));
      this.child.send({ id, ask, ...rest });
    });
  }

  async kill(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
