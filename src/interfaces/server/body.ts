import type { z } from 'zod';
import { BatonError } from '../../errors.ts';
import type * as requests from '../api/requests.ts';
import type { Asked } from './route.ts';

type Requests = typeof requests;
export type BodyName = { [K in keyof Requests]: Requests[K] extends z.ZodType ? K : never }[keyof Requests];
export type Body<K extends BodyName> = z.infer<Requests[K]>;

/** The body of a request, strictly checked. @throws BatonError `BAD_REQUEST` naming everything that is wrong */
export async function readBody<K extends BodyName>(asked: Asked, name: K): Promise<Body<K>> {
  // Loaded here, because requests that only read have no body and need no schemas.
  const schemas = await import('../api/requests.ts');
  let body: unknown;
  try {
    const text = await asked.body();
    body = text === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw new BatonError('BAD_REQUEST', 'The body is not JSON.', { cause: error });
  }
  const parsed = schemas[name].safeParse(body);
  if (parsed.success) return parsed.data as Body<K>;
  const problems = parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw new BatonError('BAD_REQUEST', `The request can't be understood: ${problems.join('; ')}.`, { details: { problems } });
}
