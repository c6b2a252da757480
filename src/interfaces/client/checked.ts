import { BatonError } from '../../errors.ts';
import type { Answer } from '../api/call.ts';
import { errorOf, PROBLEM_TYPE, type ProblemBody } from '../api/problem.ts';

/** @throws BatonError what the server said was wrong */
export async function checked(answer: Answer): Promise<Answer> {
  const { status, type } = answer;
  if (status >= 200 && status < 300) return answer;
  const text = await answer.text();
  if (type.startsWith(PROBLEM_TYPE)) throw errorOf(JSON.parse(text) as ProblemBody, status);
  throw new BatonError('UNKNOWN_ANSWER', `The server answered ${status}: ${text.slice(0, 200)}`);
}
