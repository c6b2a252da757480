import { userInfo } from 'node:os';
import type { Principal } from '../engine/kernel/plan.ts';

/** Who speaks through the local socket: the machine's own user, who may do everything here. */
export function localPrincipal(): Principal {
  let id: string;
  try {
    id = userInfo().username;
  } catch {
    id = `uid ${process.getuid?.() ?? 'unknown'}`;
  }
  return { id, roles: ['viewer', 'operator', 'approver', 'admin'] };
}
