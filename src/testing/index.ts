/** What those need who build a host, a journal, an agent or a sandbox of their own: the suites each has to pass, and a clock to move. */
export { agentConformance } from './agent-conformance.ts';
export { type HostSetup, type HostWorld, hostConformance } from './host-conformance.ts';
export { journalConformance } from './journal-conformance.ts';
export { sandboxConformance } from './sandbox-conformance.ts';
export { VirtualClock } from './virtual-clock.ts';
