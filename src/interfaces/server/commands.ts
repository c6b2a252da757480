/** Requests that change something: who asks, under which id, with what; decided and durable when they are answered. */
import { createHash } from 'node:crypto';
import type { AskedCommand } from '../../engine/kernel/commands.ts';
import type { CommandRef } from '../../engine/kernel/facts.ts';
import { BatonError } from '../../errors.ts';
import type { CommandReply } from '../api/shapes.ts';
import { refused } from './problem.ts';
import type { Asked, Given } from './route.ts';
import type { Engine, Services } from './services.ts';

export const COMMAND_ID_MAX = 200;

/** The command id of a request, with the hash of everything the request says. @throws BatonError `COMMAND_ID_MISSING` */
export function commandRef(asked: Asked, body: unknown): CommandRef {
  const id = asked.header('idempotency-key') ?? '';
  if (id === '' || id.length > COMMAND_ID_MAX)
    throw new BatonError('COMMAND_ID_MISSING', 'A request that changes something needs an id of its own.', {
      hint: `Send a new one (at most ${COMMAND_ID_MAX} characters) as Idempotency-Key; send the same one to repeat a request safely.`,
    });
  return {
    id,
    args: createHash('sha256')
      .update(canonical([asked.path, body]))
      .digest('hex'),
  };
}

/** @throws BatonError the kernel's refusal, or the journal's error */
export async function submit(services: Services, run: string, command: AskedCommand, ref: CommandRef): Promise<Given> {
  const reply = await engineOf(services).host.submit(run, { ...command, ref });
  if (!reply.ok) throw refused(reply.refusal);
  return replied({ run, seq: reply.seq }, reply.repeated === true);
}

export const replied = (reply: CommandReply, repeated: boolean): Given => ({
  json: reply,
  ...(repeated ? { headers: { 'idempotent-replayed': 'true' } } : {}),
});

/** @throws BatonError `READ_ONLY` */
export function engineOf({ engine, home }: Services): Engine {
  if (engine) return engine;
  throw new BatonError('READ_ONLY', 'This process only reads the home.', { where: home, hint: 'Send it to the process that owns it.' });
}

/** JSON with sorted keys, so that the same request has the same hash. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** A run's id, made from the id of the command that creates it: the same command twice is one run. */
export function runIdOf(commandId: string): string {
  const hash = createHash('sha256').update(`run:${commandId}`).digest();
  const letters = 'abcdefghijkmnpqrstuvwxyz';
  const all = `${letters}23456789`;
  return Array.from({ length: 10 }, (_, i) => (i === 0 ? letters[(hash[0] ?? 0) % letters.length] : all[(hash[i] ?? 0) % all.length])).join(
    '',
  );
}
