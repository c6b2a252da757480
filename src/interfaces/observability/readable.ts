const NAMES: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

/** A JSON line of the log, for eyes: time, level, what it is about, message, and the other fields as `name=value`. */
export function readable(line: string): string {
  const { time, level, msg, pid: _, run, task, attempt, ...others } = JSON.parse(line) as Record<string, unknown>;
  const about = [run, task, attempt].filter((part) => part !== undefined).join('/');
  const fields = Object.entries(others).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const parts = [String(time).slice(11, 23), (NAMES[Number(level)] ?? '').padEnd(5), about, msg, ...fields];
  return `${parts.filter((part) => part !== undefined && part !== '').join(' ')}\n`;
}
