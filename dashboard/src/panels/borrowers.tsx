/** The panel of the callers that hold connections. */

import type { LivePool } from '../../../src/monitor/live/index.js';
import { workOf } from '../../../src/monitor/verdict/index.js';
import { duration } from '../format.js';
import { Panel, Table } from './panel.js';

type Borrowed = LivePool['borrowed'][number];

export function Borrowers({ pool }: { readonly pool: LivePool }) {
  const { borrowed, stats } = pool;
  const detects = stats.options.leakDetectionThreshold > 0;
  return (
    <Panel title={`Who holds connections (${stats.used})`} idle={borrowed.length === 0 && 'No caller holds a connection.'} wide steady>
      <Table
        caption="Who holds connections, the longest-held first"
        head={['Connection', { name: 'Held for', isFigure: true }, 'What it does', { name: 'For', isFigure: true }, 'Borrowed at']}
        rows={borrowed.map((one) => [
          `#${one.id}`,
          duration(one.heldMs),
          <span key="work">
            {one.leaked === true ? <span className="tag leak">leak</span> : null} <code>{workOf(one)}</code>
          </span>,
          age(one),
          one.stack === undefined ? (
            <span key="stack" className="note">
              {detects ? '–' : 'leak detection is off'}
            </span>
          ) : (
            <details key="stack">
              <summary>{one.place ?? 'stack'}</summary>
              <pre tabIndex={0}>{one.stack}</pre>
            </details>
          ),
        ])}
      />
    </Panel>
  );
}

/** For how long it has done what it does. */
function age({ runningMs, quietMs }: Borrowed): string {
  const ms = runningMs ?? quietMs;
  return ms === undefined ? '–' : duration(ms);
}
