/**
 * May this host be reached? Names are looked up here, once. A name that leads to an address which is nobody's on the
 * internet is refused, and whoever connects does so to the very addresses that were judged, so that a second answer of
 * the name server changes nothing.
 */
import { lookup as lookUp } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { isPublic } from './addresses.ts';
import type { Domains } from './domains.ts';

/** How names become addresses, and which of those are fine. */
export interface Reach {
  /** Addresses of a name. Default: the system's. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** May this address be reached? Default: what is public. */
  readonly mayReach?: (address: string) => boolean;
}

export type Judged = { readonly addresses: readonly string[] } | Refused;
export interface Refused {
  /** For people. */
  readonly refused: string;
  /** A name without an address may have one later; the others stay refused. */
  readonly why: 'not-allowed' | 'no-address' | 'not-public';
}

/** @param host as a URL has it: small letters, IPv6 in brackets */
export async function judge(host: string, port: number, domains: Domains, reach: Reach = {}): Promise<Judged> {
  const { resolve = addressesOf, mayReach = isPublic } = reach;
  const named = domains.written.join(', ') || 'none';
  if (!domains.has(host, port))
    return {
      why: 'not-allowed',
      refused: `${host}:${port} is not among the domains this task may reach (${named}). Name it in the task's \`network\`.`,
    };
  const plain = bare(host);
  const addresses = isIP(plain) ? [plain] : await resolve(host).catch(() => []);
  if (addresses.length === 0) return { why: 'no-address', refused: `${host} is allowed, and has no address.` };
  const hidden = addresses.find((address) => !mayReach(address));
  if (hidden === undefined) return { addresses };
  return {
    why: 'not-public',
    refused: `${host} is allowed, and leads to ${hidden}, which is no address of the public internet. No \`network\` opens those.`,
  };
}

/** For a connection: whatever name is asked for has these addresses. */
export const only =
  (addresses: readonly string[]): LookupFunction =>
  (_name, { all }, done) => {
    const [first = ''] = addresses;
    if (all)
      done(
        null,
        [...addresses].map((address) => ({ address, family: isIP(address) })),
      );
    else done(null, first, isIP(first));
  };

/** A host as sockets take it. */
export const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

const addressesOf = async (name: string): Promise<string[]> => (await lookUp(name, { all: true })).map(({ address }) => address);
