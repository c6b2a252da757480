/** What a coding agent is told: its task, what checks said before, and the shape its last message must have. */
import type { Work } from '../agent.ts';

/** To begin with: everything. */
export const wholePrompt = (work: Work, instructions: string | undefined): string =>
  [instructions, taskText(work), shapeText(work.schema)].filter((text) => text !== undefined).join('\n\n');

const taskText = ({ prompt, inputs, feedback }: Work): string => {
  const values = Object.keys(inputs).length === 0 ? [] : [`Its inputs, as JSON:\n${JSON.stringify(inputs, null, 2)}`];
  const checks = feedback.map((text, index) => `What a check said of result ${index + 1}:\n${text}`);
  return [prompt, ...values, ...checks].join('\n\n');
};

/** To go on with a conversation that knows the task: what it has not been told yet. */
export const reworkPrompt = ({ feedback, acknowledged, schema }: Work): string => {
  if (feedback.length === 0)
    return ['You were interrupted. Look at what is there, and go on with your task until it is done.', shapeText(schema)]
      .filter((text) => text !== undefined)
      .join('\n\n');
  const fresh = acknowledged < feedback.length ? feedback.slice(acknowledged) : feedback.slice(-1);
  const told = fresh.map((text) => `A check did not accept the result:\n${text}`);
  return [...told, 'Put that right.', shapeText(schema)].filter((text) => text !== undefined).join('\n\n');
};

/** To ask for the last message again. */
export const againPrompt = (problems: readonly string[]): string =>
  `That last message can't be used:\n- ${problems.join('\n- ')}\nGive it again, completely, with this put right. The work itself stays as it is.`;

/** From a person, in the middle of the work. */
export const messagePrompt = (text: string): string =>
  `A message from the person you work for:\n${text}\n\nTake it into account, and go on with your task until it is done.`;

const shapeText = (schema: Work['schema']): string | undefined =>
  schema === undefined
    ? undefined
    : `When the work is done, let your last message be one JSON object, and nothing else, that fits this JSON Schema:\n${JSON.stringify(schema)}`;
