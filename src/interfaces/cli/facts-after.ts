import type { Fact } from '../api/states.ts';
import type { BatonClient } from '../client/client.ts';

/** Facts of a run behind a position, as they come: for whoever waits for what a command brings about. Ends with its reader only. */
export async function* factsAfter(client: BatonClient, run: string, seq: number): AsyncGenerator<Fact> {
  for await (const event of client.follow({ run, from: { facts: seq } }))
    if (event.type === 'facts') for (const { fact } of event.facts) yield fact;
}
