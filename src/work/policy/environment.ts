/**
 * What a process of a task sees of Baton's own environment: what any program needs to start, and nothing that belongs
 * to somebody (keys, tokens, proxies with passwords). Everything else a task has to name in its `env`.
 */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'TERM', 'TZ', 'LANG', 'LANGUAGE'] as const;
const PATH_DEFAULT = '/usr/local/bin:/usr/bin:/bin';

export type Environment = Readonly<Record<string, string>>;

export const inheritedEnvironment = (own: Readonly<Record<string, string | undefined>>): Environment => {
  const inherited: Record<string, string> = { PATH: PATH_DEFAULT };
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && isInherited(name)) inherited[name] = value;
  }
  return inherited;
};

const isInherited = (name: string): boolean => name.startsWith('LC_') || (INHERITED as readonly string[]).includes(name);
