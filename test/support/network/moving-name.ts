import dns, { type LookupAddress, type LookupOptions } from 'node:dns';

/** A host name that leads where a test says, in this process only. Node asks for a name's address each time that it connects. */
export interface MovingName extends Disposable {
  readonly host: string;
  /** How often its address was asked for. */
  readonly lookups: number;
  /** It leads there from now on. */
  moveTo(address: string): void;
}

type Answer = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** Gives an address of this machine a name. Disposing takes the name away. */
export function movingName(host: string, firstAddress: string): MovingName {
  const lookup = dns.lookup as (...args: unknown[]) => void;
  let address = firstAddress;
  let lookups = 0;
  const own = (name: string, options: LookupOptions | Answer, answer?: Answer): void => {
    if (name !== host) {
      lookup(name, options, answer);
      return;
    }
    lookups += 1;
    const reply = (answer ?? options) as Answer;
    const all = typeof options === 'object' && options.all === true;
    const now = address;
    setImmediate(() => (all ? reply(null, [{ address: now, family: 4 }]) : reply(null, now, 4)));
  };
  Object.assign(dns, { lookup: own });
  return {
    host,
    get lookups() {
      return lookups;
    },
    moveTo(next) {
      address = next;
    },
    [Symbol.dispose]() {
      Object.assign(dns, { lookup });
    },
  };
}
