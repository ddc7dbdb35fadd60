/** The verdict on a pool: what is wrong, since when, whom it has hit, what to do, and who holds the connections. */

import type { ReactNode } from 'react';
import { type Holders, verdictOn } from '../../../src/monitor/verdict/index.js';
import type { LivePool } from '../../../src/monitor/live/index.js';
import { amount, clock, counted, duration } from '../format.js';
import type { View } from '../live-store.js';

const LEVELS = { healthy: 'good', degraded: 'warning', unhealthy: 'bad' } as const;
/** A state is a word and a sign, not only a colour. */
const SIGNS = { healthy: '● healthy', degraded: '▲ degraded', unhealthy: '✕ unhealthy' } as const;

/** @param children the tiles below the words */
export function Verdict({ pool, view, children }: { readonly pool: LivePool; readonly view: View; readonly children: ReactNode }) {
  const past = { points: view.points.get(pool.name) ?? [], incidents: view.incidents.get(pool.name) ?? [] };
  const { status, headline, details, advice, holders } = verdictOn(pool, past, view.snapshot?.at ?? 0);
  const { stats } = pool;
  const { sizeRange } = stats.options;
  return (
    <section className={`verdict ${LEVELS[status]}${view.link === 'stale' ? ' old' : ''}`} aria-label={`Verdict on pool ${pool.name}`}>
      <div className="verdict-words">
        <p className="pool-name">
          {pool.name} <span className={`status ${LEVELS[status]}`}>{SIGNS[status]}</span> <span className="note">{placeOf(pool)}</span>
        </p>
        <h2>
          <span role="status">{headline}</span>
        </h2>
        {advice === null ? null : (
          <p className="advice">
            <b>What to do:</b> {advice}
          </p>
        )}
        {details.map((detail) => (
          <p key={detail.replaceAll(/[\d.]+/g, '')}>{detail}</p>
        ))}
        {view.link === 'stale' && view.heardAt !== undefined ? (
          <p className="problem">These figures are of {clock(view.heardAt)}.</p>
        ) : null}
      </div>
      <HolderList holders={holders} used={stats.used} />
      {children}
      {sizeRange == null && pool.leaked === 0 ? null : (
        <dl className="figures">
          {sizeRange == null ? null : <Figure name="finds its size" value={`${sizeRange.min}–${sizeRange.max}`} />}
          {pool.leaked === 0 ? null : <Figure name="leaked now" value={amount(pool.leaked)} isBad />}
        </dl>
      )}
    </section>
  );
}

/** Who holds most connections: the place in the application, and what it runs. */
function HolderList({ holders, used }: { readonly holders: readonly Holders[]; readonly used: number }) {
  return (
    <div className="holders">
      <h3>Held by</h3>
      {holders.length === 0 ? <p className="note">No caller holds a connection.</p> : null}
      <ol>
        {holders.map(({ place, work, count, heldMs, leaked }) => (
          <li key={`${place} ${work} ${leaked}`}>
            <b>
              {count} of {used}
            </b>{' '}
            {place === null ? null : <code>{place}</code>} <span className="note">for up to {duration(heldMs)}</span>
            {leaked ? <span className="tag leak">leak</span> : null}
            <code className="work">{work}</code>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** Where its connections lead. */
function placeOf({ topology, stats: { options } }: LivePool): string {
  if (topology != null) return `a cluster of ${counted(topology.nodes.length + topology.nodesLeftOut, 'server', 'servers')}`;
  return options.endpoint.socketPath ?? `${options.endpoint.host}:${options.endpoint.port}`;
}

function Figure({ name, value, isBad = false }: { readonly name: string; readonly value: string; readonly isBad?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={isBad ? 'problem' : ''}>{value}</dd>
    </div>
  );
}
