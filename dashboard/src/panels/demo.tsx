/** On the page of the demo: buttons that stage a trouble, so that one sees what the page makes of it. */

import { useEffect, useState } from 'react';
import { demoTroubles, type Troubles } from '../connection.js';

const LOOK_EVERY_MS = 2_000;

const NAMES: Readonly<Record<string, string>> = {
  slow: 'Slow statement',
  leak: 'Leak',
  exhausted: 'Exhausted pool',
  database: 'Dead database',
  failover: 'Fail-over',
};

/** The pool of the demo has this name; no other server is asked for its troubles. */
export const DEMO_POOL = 'demo';

/** @param onStage shows the pool that is about to be in trouble */
export function DemoTroubles({ onStage }: { readonly onStage: (pool: string) => void }) {
  const [known, setKnown] = useState<Troubles>();
  useEffect(() => {
    let over = false;
    const look = async (): Promise<void> => {
      const now = await demoTroubles();
      if (!over && now !== undefined) setKnown(now);
    };
    void look();
    const timer = setInterval(() => void look(), LOOK_EVERY_MS);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, []);
  if (known === undefined) return null;
  const { troubles, running } = known;
  const stage = async (name: string, pool: string): Promise<void> => {
    onStage(pool);
    setKnown((await demoTroubles(name)) ?? known);
  };
  const now = troubles.find(({ name }) => name === running);
  return (
    <section className="demo" aria-label="Troubles of the demo">
      <span role="status">{now === undefined ? 'This is the demo. Stage a trouble:' : `Staged now: ${now.about}.`}</span>
      {troubles.map(({ name, about, pool }) => (
        <button key={name} type="button" title={about} disabled={running !== null} onClick={() => void stage(name, pool)}>
          {NAMES[name] ?? name}
        </button>
      ))}
    </section>
  );
}
