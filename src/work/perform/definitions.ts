/** Definitions as the handlers read them: parsed once, and looked up by hash from then on. */
import type { Blobs } from '../../engine/host/host.ts';
import type { Hash } from '../../engine/kernel/plan.ts';
import type { Definition, Template } from '../planning/definition.ts';
import type { SecretText } from '../policy/secrets.ts';
import { AttemptError } from '../processes/failure.ts';

const KEPT_MAX = 2048;

export class Definitions {
  private readonly byHash = new Map<Hash, Definition>();

  /** @throws AttemptError `PAYLOAD_MISSING` when retention has removed it. */
  read(hash: Hash, blobs: Pick<Blobs, 'get'>): Definition {
    const known = this.byHash.get(hash);
    if (known !== undefined) return known;
    const payload = blobs.get(hash);
    if (payload === undefined) {
      throw new AttemptError('permanent', 'PAYLOAD_MISSING', `The definition ${hash.slice(0, 12)} of this task was removed.`, {
        dispatched: false,
      });
    }
    const definition: Definition = JSON.parse(Buffer.from(payload).toString('utf8'));
    if (this.byHash.size >= KEPT_MAX) for (const oldest of this.byHash.keys()) if (this.byHash.delete(oldest)) break;
    this.byHash.set(hash, definition);
    return definition;
  }
}

/** A template as resolving left it. @throws AttemptError `UNRESOLVED` when an expression is left in it, which is our bug. */
export const resolvedText = (template: Template): SecretText => {
  if (typeof template === 'string') return template;
  return {
    parts: template.parts.map((part) => {
      if (typeof part === 'string' || 'secret' in part) return part;
      throw new AttemptError('permanent', 'UNRESOLVED', `The expression ${part.expr} was never resolved.`, { dispatched: false });
    }),
  };
};

/** A text that may hold no secrets. @throws AttemptError `SECRET_OUTSIDE_ENV`. */
export const plainText = (template: Template): string => {
  const text = resolvedText(template);
  if (typeof text === 'string') return text;
  return text.parts
    .map((part) => {
      if (typeof part === 'string') return part;
      throw new AttemptError('permanent', 'SECRET_OUTSIDE_ENV', `The secret ${part.secret} may be used in env only.`, {
        dispatched: false,
      });
    })
    .join('');
};
