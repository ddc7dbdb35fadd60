/** The verdict on a pool: what is wrong, since when, whom it has hit, what to do, and who holds the connections. */

import type { ReactNode } from 'react';
import type { Borrowed } from '../../../src/engine/index.js';
import type { LivePool } from '../../../src/monitor/live/index.js';
import { type Holders, type PoolVerdict, verdictOn, workOf } from '../../../src/monitor/verdict/index.js';
import { amount, clock, counted, duration } from '../format.js';
import type { View } from '../live-store.js';
import { SIGNS } from '../status.js';

export function Verdict({ pool, view }: { readonly pool: LivePool; readonly view: View }) {
  const now = view.snapshot?.at ?? 0;
  const past = { points: view.points.get(pool.name) ?? [], incidents: view.incidents.get(pool.name) ?? [] };
  const verdict = verdictOn(pool, past, now);
  const { status, headline, details, advice, failingPerSecond, holders } = verdict;
  const { stats } = pool;
  const { sizeRange } = stats.options;
  return (
    <section className={`verdict ${status}${view.link === 'stale' ? ' old' : ''}`} aria-label={`Verdict on pool ${pool.name}`}>
      <div className="verdict-words">
        <p className="pool-name">
          <span className={`status ${status}`}>{SIGNS[status]}</span> <b>{pool.name}</b> <span className="note">{placeOf(pool)}</span>
        </p>
        <h2>
          <span role="status">{headline}</span>
        </h2>
        {view.link === 'stale' && view.heardAt !== undefined ? (
          <p className="problem">These figures are of {clock(view.heardAt)}.</p>
        ) : null}
        <SinceWhen verdict={verdict} now={now} />
        {advice === null ? null : (
          <p className="advice">
            <b>What to do</b> {advice}
          </p>
        )}
        <ul className="details">
          {details.map((detail) => (
            <li key={detail.replaceAll(/[\d.]+/g, '')}>{detail}</li>
          ))}
        </ul>
      </div>
      <HolderList holders={holders} borrowed={pool.borrowed} used={stats.used} />
      <dl className="figures">
        <Figure name="in use" value={`${stats.used} / ${stats.limit}`} />
        {sizeRange == null ? null : <Figure name="finds its size" value={`${sizeRange.min}–${sizeRange.max}`} />}
        <Figure name="waiting" value={amount(stats.waiting)} />
        <Figure name="longest wait" value={duration(stats.longestWaitMs)} />
        <Figure name="failing a second" value={amount(failingPerSecond)} isBad={failingPerSecond > 0} />
        <Figure name="leaked now" value={amount(pool.leaked)} isBad={pool.leaked > 0} />
      </dl>
    </section>
  );
}

/** How long it has been wrong, and whom it has hit: the figures of the headline, where the eye finds them. */
function SinceWhen({ verdict: { since, callersFailed, failingPerSecond }, now }: { readonly verdict: PoolVerdict; readonly now: number }) {
  if (since === null) return null;
  return (
    <p className="since">
      For <b>{duration(Math.max(0, Math.round((now - since) / 1_000) * 1_000))}</b>
      {callersFailed === 0 ? null : (
        <>
          {' · '}
          <b>{amount(callersFailed)}</b> {callersFailed === 1 ? 'caller' : 'callers'} failed
        </>
      )}
      {failingPerSecond === 0 ? null : (
        <>
          {' · '}
          <b>{amount(failingPerSecond)}</b> a second now
        </>
      )}
    </p>
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
  return (
    <li className={leaked ? 'leaked' : undefined}>
      <p className="holder-head">
        <b>
          {count} of {used}
        </b>
        {place === null ? null : <code className="place">{place}</code>}
        {leaked ? <span className="tag leak">leak</span> : null}
        <span className="held">held {duration(heldMs)}</span>
      </p>
      <code className="work">{work}</code>
      {quietMs > 0 ? <p className="quiet">no statement for {duration(quietMs)}</p> : null}
      {runningMs > 0 ? <p className="note">running for {duration(runningMs)}</p> : null}
    </li>
  );
}

/** Where its connections lead. */
function placeOf({ topology, stats: { options } }: LivePool): string {
  if (topology != null) return `a cluster of ${counted(topology.nodes.length + topology.nodesLeftOut, 'server', 'servers')}`;
  return options.endpoint.socketPath ?? `${options.endpoint.host}:${options.endpoint.port}`;
}

function Figure({ name, value, isBad = false }: { readonly name: string; readonly value: ReactNode; readonly isBad?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={isBad ? 'problem' : ''}>{value}</dd>
    </div>
  );
}
