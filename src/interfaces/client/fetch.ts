import { BatonError } from '../../errors.ts';
import { errorOf, PROBLEM_TYPE, type ProblemBody } from '../api/problem.ts';

/** How requests get to the server: a socket, an address, or the app in this process. Throws `UNREACHABLE` when it can't. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/** @throws BatonError what the server said was wrong */
export async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  if (response.headers.get('content-type')?.startsWith(PROBLEM_TYPE))
    throw errorOf((await response.json()) as ProblemBody, response.status);
  throw new BatonError('UNKNOWN_ANSWER', `The server answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
}
