// Makes a second host: a network namespace that is connected with this host by a cable (veth), which can be cut.
import { execFileSync } from 'node:child_process';

export interface Host {
  /** The address of this host, at which processes of both hosts reach its servers. */
  address: string;
  /** The program, with its options, that runs another program on the second host. */
  inside: string[];
  /** Cuts the cable: packets are lost, and neither side is notified. */
  cut(): void;
  mend(): void;
  close(): void;
}

/** Makes the second host; returns `null` when the system doesn't allow it. It needs Linux, `ip` and the rights of root. */
export function makeHost(): Host | null {
  const name = `hookgraph-${process.pid}`;
  const [here, there] = [`hg${process.pid}a`, `hg${process.pid}b`];
  const [address, other] = ['10.231.7.1', '10.231.7.2'];
  const ip = (...args: string[]) => void execFileSync('ip', args, { stdio: 'pipe' });
  const close = () => {
    try {
      ip('netns', 'del', name);
    } catch {
      // It was not made.
    }
  };
  try {
    ip('netns', 'add', name);
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name);
    ip('addr', 'add', `${address}/30`, 'dev', here);
    ip('link', 'set', here, 'up');
    ip('-n', name, 'addr', 'add', `${other}/30`, 'dev', there);
    ip('-n', name, 'link', 'set', there, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
  } catch {
    close();
    return null;
  }
  return {
    address,
    inside: ['ip', 'netns', 'exec', name],
    cut: () => ip('-n', name, 'link', 'set', there, 'down'),
    mend: () => ip('-n', name, 'link', 'set', there, 'up'),
    close,
  };
}
