// req S1, S2, S3: whoever is inside gets nowhere outside, by ways that each work without the walls.
import { setTimeout as sleep } from 'node:timers/promises';
import { createBubblewrap } from '../../../src/work/sandbox/bubblewrap.ts';
import { point } from '../point.ts';
import { type Attempt, Rig } from '../support/escape-rig.ts';

/** Nobody else's here: whatever of this user is ended by mistake is ours. */
const UID = 61_299;
const PROCESSES = 32;
/** Of the kernel, by architecture. */
const CALLS = { x64: { ptrace: 101, add_key: 248, keyctl: 250 }, arm64: { ptrace: 117, add_key: 217, keyctl: 219 } };
const calls = process.arch === 'arm64' ? CALLS.arm64 : CALLS.x64;
/** Connects to a unix socket. */
const connect = (path: string) =>
  `perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un(${path})) and print "CAME"'`;
/** Joins a new session of keys (keyctl 1) and puts one there (keyring -3). */
const WITH_A_KEY = `syscall(${calls.keyctl}, 1, 0); syscall(${calls.add_key}, my $t = "user", my $d = "baton", my $k = "CAME", 4, -3) > 0 or die; exec @ARGV`;
/** Finds the key again (keyctl 10) and reads it (keyctl 11). */
const READ_KEY = `my $id = syscall(${calls.keyctl}, 10, -3, my $t = "user", my $d = "baton", 0); my $b = " " x 4; syscall(${calls.keyctl}, 11, $id, $b, 4) > 0 and print $b`;

interface Escape extends Attempt {
  readonly name: string;
  /** Only root can put out the bait. */
  readonly byRoot?: true;
  /** Did it get out? Default: it says so. */
  readonly came?: (rig: Rig, output: string) => boolean | Promise<boolean>;
}
const said = (_: Rig, output: string): boolean => output.includes('CAME');
const readIt = ({ token }: Rig, output: string): boolean => output.includes(token);

const ESCAPES: readonly Escape[] = [
  { name: 'writes outside', script: 'echo x > $RIG/open/written', came: (rig) => rig.has('open/written') },
  { name: 'writes outside by a link', script: 'ln -s $RIG/open $W/way; echo x > $W/way/linked', came: (rig) => rig.has('open/linked') },
  { name: 'writes into a neighbour’s workspace', script: 'echo x > $RIG/neighbour/written', came: (rig) => rig.has('neighbour/written') },
  {
    name: 'changes a file outside by a second name',
    script: 'ln $RIG/theirs $W/second; echo x > $W/second',
    came: (rig) => rig.has('theirs'),
  },
  { name: 'reads a secret', script: 'cat $RIG/secret', came: readIt },
  { name: 'reads what Baton has open', script: 'cat <&3', came: readIt },
  { name: 'reads Baton’s environment', script: 'cat /proc/[0-9]*/environ | tr "\\0" "\\n" | grep -a ^BATON_ESCAPE=', came: said },
  { name: 'reads a key of the session', before: ['/usr/bin/perl', '-e', WITH_A_KEY], script: `perl -e '${READ_KEY}'` },
  { name: 'connects to the loopback', script: 'exec 3<>/dev/tcp/127.0.0.1/$PORT', came: (rig) => rig.wasReached('port') },
  { name: 'connects to an abstract socket', script: connect('"\\0$ENV{ABSTRACT}"'), came: (rig) => rig.wasReached('abstract') },
  { name: 'connects to a socket that is a file', script: connect('"$ENV{RIG}/socket"'), came: (rig) => rig.wasReached('socket') },
  {
    name: 'starts more processes than it may',
    script: `sh -c 'i=0; while [ $i -lt ${2 * PROCESSES} ]; do sleep 1 & i=$((i+1)); done' && echo CAME`,
    limits: { processes: PROCESSES },
  },
  { name: 'sets what the kernel goes by', script: "unshare -Urn sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward' && echo CAME" },
  { name: 'makes namespaces and mounts', script: "unshare -Urm sh -c 'mount -t tmpfs none /mnt' && echo CAME" },
  { name: 'sees processes', script: 'cat /proc/[0-9]*/cmdline', came: readIt },
  { name: 'traces a process', script: `perl -e 'syscall(${calls.ptrace}, 0x4206, $ENV{VICTIM} + 0, 0, 0) == 0 and print "CAME"'` },
  {
    name: 'ends a process',
    script: 'kill -KILL $VICTIM',
    async came(rig) {
      await sleep(100);
      return rig.victimIsGone;
    },
  },
  { name: 'borrows root’s rights from a file', script: '$W/lent $W/roots', came: readIt, byRoot: true },
  {
    name: 'outlives its end',
    script: "setsid bash -c '(for i in {1..100}; do echo x >> $W/beat; sleep 0.05; done) &' & sleep 9",
    killWhen: (rig) => rig.written('beat') > 2,
    async came(rig) {
      const before = rig.written('beat');
      await sleep(500);
      return rig.written('beat') > before;
    },
  },
];

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/sandbox-escapes',
  title: 'ways out of the sandbox',
  bar: 'each way is shown to work without the walls, as the same user in the same place; with them none does',
  async run() {
    const sandbox = createBubblewrap({ uid: UID });
    const { ok, says } = await sandbox.probe();
    if (!ok) return { holds: false, figure: 'the probe did not pass', detail: says };
    process.env['BATON_ESCAPE'] = 'CAME';
    const came = async ({ came: got = said, ...attempt }: Escape, walls: boolean): Promise<boolean> => {
      const rig = new Rig(sandbox);
      try {
        await rig.open();
        return await got(rig, await rig.run(attempt, walls));
      } finally {
        await rig.close();
      }
    };
    const wrong: string[] = [];
    let escapes = 0;
    let shown = 0;
    const tried = ESCAPES.filter(({ byRoot }) => !byRoot || sandbox.owner);
    for (const way of tried) {
      if (await came(way, false)) shown++;
      else wrong.push(`${way.name}: does not work without walls either, so it shows nothing`);
      if (!(await came(way, true))) continue;
      escapes++;
      wrong.push(`${way.name}: got out`);
    }
    return {
      holds: wrong.length === 0,
      figure: `${shown} of ${tried.length} ways out work without walls, ${escapes} with them`,
      detail: wrong.join('\n'),
    };
  },
});
