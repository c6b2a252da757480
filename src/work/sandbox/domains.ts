/** The domains that a policy names, and whether a host is one of them. */
import { BatonError } from '../../errors.ts';

interface Domain {
  /** As in a URL: small letters, punycode, IPv6 in brackets. */
  readonly name: string;
  /** Every name below it, and not itself. */
  readonly below: boolean;
  readonly ports: ReadonlySet<number>;
}
export interface Domains {
  /** As they were written. */
  readonly written: readonly string[];
  has(host: string, port: number): boolean;
}

const PORTS: ReadonlySet<number> = new Set([80, 443]);

/**
 * `example.com`, `*.example.com`, and with another port than 80 and 443 `example.com:8080`.
 * @throws BatonError `NETWORK_RULE` for what would never match anything
 */
export function domainsOf(written: readonly string[]): Domains {
  const domains = written.map(domainOf);
  return {
    written,
    has: (host, port) =>
      domains.some(
        ({ name, below, ports }) => ports.has(port) && (below ? host.endsWith(`.${name}`) && host.length > name.length + 1 : host === name),
      ),
  };
}

/** A host as a URL has it, without the dot at its end; undefined when it is none. */
export function hostOf(text: string): string | undefined {
  if (/[/?#@\\\s%]/.test(text)) return undefined;
  return URL.parse(`http://${text}`)?.hostname.replace(/\.$/, '') || undefined;
}

function domainOf(written: string): Domain {
  const [, star, rest = '', port] = /^(\*\.)?(.*?)(?::(\d{1,5}))?$/.exec(written) ?? [];
  const name = /^[^:[\]]+$|^\[[^[\]]+\]$/.test(rest) ? hostOf(rest) : undefined;
  if (name === undefined || name.includes('*') || (port !== undefined && !(Number(port) > 0 && Number(port) < 2 ** 16)))
    throw new BatonError('NETWORK_RULE', `"${written}" is no domain that a task's network can name.`, {
      where: written,
      hint: 'Write a host alone: "example.com", "*.example.com" for every name below it, or "example.com:8080" for another port than 80 and 443.',
    });
  return { name, below: star !== undefined, ports: port === undefined ? PORTS : new Set([Number(port)]) };
}
