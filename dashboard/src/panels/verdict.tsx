/** The verdict on a pool: what is wrong, since when, whom it has hit, what to do, and who holds the connections. */

import type { ReactNode } from 'react';
import type { LivePool } from '../../../src/monitor/live/index.js';
import { type Holders, sentenceOn, workOf } from '../../../src/monitor/verdict/index.js';
import { clock, counted, duration, unbroken, wholeSeconds } from '../format.js';
import { verdictIn, type View } from '../live-store.js';
import { SIGNS } from '../status.js';

type Borrowed = LivePool['borrowed'][number];

/** @param children the tiles below the words */
export function Verdict({ pool, view, children }: { readonly pool: LivePool; readonly view: View; readonly children: ReactNode }) {
  const now = view.snapshot?.at ?? 0;
  const { status, headline, details, advice, since, holders } = verdictIn(view, pool);
  // Who holds most connections stands beside it already.
  const [first] = holders;
  const isNews = (detail: string): boolean => first === undefined || detail !== sentenceOn(first, pool.borrowed.length);
  const { stats } = pool;
  const { sizeRange } = stats.options;
  return (
    <section className={`verdict ${status}${view.link === 'stale' ? ' old' : ''}`} aria-label={`Verdict on pool ${pool.name}`}>
      <div className="verdict-words">
        <p className="pool-name">
          <span className={`status ${status}`}>
            {SIGNS[status]}
            {since === null ? '' : ` for ${wholeSeconds(now - since)}`}
          </span>{' '}
          <b>{pool.name}</b> <span className="note">{placeOf(pool)}</span>
        </p>
        <h2>
          <span role="status">{unbroken(headline)}</span>
        </h2>
        {view.link === 'stale' && view.heardAt !== undefined ? (
          <p className="problem">These figures are of {clock(view.heardAt)}.</p>
        ) : null}
        {advice === null ? null : (
          <p className="advice">
            <b>What to do</b> {advice}
          </p>
        )}
      </div>
      <HolderList holders={holders} borrowed={pool.borrowed} used={stats.used} />
      <ul className="details">
        {details.filter(isNews).map((detail) => (
          <li key={detail.replaceAll(/[\d.]+/g, '')}>{unbroken(detail)}</li>
        ))}
      </ul>
      {children}
      {sizeRange == null ? null : (
        <p className="note">
          It finds its own size, {sizeRange.min}–{sizeRange.max} connections.
        </p>
      )}
    </section>
  );
}

/** Who holds most connections: the place in the application, what it runs, and for how long. */
function HolderList({
  holders,
  borrowed,
  used,
}: {
  readonly holders: readonly Holders[];
  readonly borrowed: readonly Borrowed[];
  readonly used: number;
}) {
  return (
    <div className="holders">
      <h3>Held by</h3>
      {holders.length === 0 ? <p className="idle">No caller holds a connection.</p> : null}
      <ol tabIndex={holders.length > 2 ? 0 : undefined} aria-label={holders.length > 2 ? 'Who holds connections' : undefined}>
        {holders.map((holder) => (
          <Holder key={`${holder.place} ${holder.work} ${holder.leaked}`} holder={holder} borrowed={borrowed} used={used} />
        ))}
      </ol>
    </div>
  );
}

function Holder({
  holder: { place, work, count, heldMs, leaked },
  borrowed,
  used,
}: {
  readonly holder: Holders;
  readonly borrowed: readonly Borrowed[];
  readonly used: number;
}) {
  const group = borrowed.filter((one) => workOf(one) === work && (one.place ?? null) === place && (one.leaked ?? false) === leaked);
  const longest = (read: (one: Borrowed) => number | undefined): number => Math.max(0, ...group.map((one) => read(one) ?? 0));
  const [runningMs, quietMs] = [longest((one) => one.runningMs), longest((one) => one.quietMs)];
  const [{ statement, inTransaction = false } = {}] = group as readonly Partial<Borrowed>[];
  const ages = [
    ...(runningMs > 0 ? [`running for ${duration(runningMs)}`] : []),
    ...(inTransaction ? ['in a transaction'] : []),
    ...(isAbout(heldMs, Math.max(runningMs, quietMs)) ? [] : [`held for ${duration(heldMs)}`]),
  ];
  return (
    <li className={leaked ? 'leaked' : undefined}>
      <p className="holder-head">
        <b>
          {count} of {used}
        </b>
        {place === null ? null : <code className="place">{place}</code>}
        {leaked ? <span className="tag leak">leak</span> : null}
      </p>
      {quietMs > 0 ? <p className="quiet">no statement for {duration(quietMs)}</p> : <code className="work">{statement ?? work}</code>}
      {ages.length === 0 ? null : <p className="note">{ages.join(' · ')}</p>}
    </li>
  );
}

/** Not worth a second figure. */
function isAbout(ms: number, other: number): boolean {
  return Math.abs(ms - other) < Math.max(1_000, ms / 10) && other > 0;
}

/** Where its connections lead. */
function placeOf({ topology, stats: { options } }: LivePool): string {
  if (topology != null) return `a cluster of ${counted(topology.nodes.length + topology.nodesLeftOut, 'server', 'servers')}`;
  return options.endpoint.socketPath ?? `${options.endpoint.host}:${options.endpoint.port}`;
}
