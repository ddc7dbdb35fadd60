/** The panel of circuit breakers, with their states over time. */

import type { LivePool, LiveSnapshot } from '../../../src/monitor/live/index.js';
import { amount, clock, counted, duration, wholeSeconds } from '../format.js';
import type { Frame } from '../series.js';
import { Panel, Table } from './panel.js';

type Breaker = LiveSnapshot['breakers'][number];
type Change = LiveSnapshot['breakerChanges'][number];

interface BreakersProps {
  readonly snapshot: LiveSnapshot;
  readonly pool: LivePool;
  readonly frame: Frame;
}

/** Whether a breaker, or a change of one, is shown with a pool: its own, and those outside of pools. */
function isShownWith(pool: LivePool): (of: { readonly pool: string | null }) => boolean {
  return (of) => of.pool === null || of.pool === pool.name;
}

export function hasBreakers(snapshot: LiveSnapshot, pool: LivePool): boolean {
  return snapshot.breakers.some(isShownWith(pool));
}

export function Breakers({ snapshot, pool, frame }: BreakersProps) {
  const breakers = snapshot.breakers.filter(isShownWith(pool));
  const changes = snapshot.breakerChanges.filter(isShownWith(pool));
  return (
    <Panel title="Circuit breakers" wide>
      <div className="breakers">
        <Table
          caption="Circuit breakers"
          head={['Breaker', 'State', 'For', 'Over time', 'Why', ...FIGURES.map((name) => ({ name, isFigure: true }))]}
          rows={breakers.map((breaker) => [
            breaker.pool === null ? `${breaker.name} (outside of pools)` : breaker.name,
            <span key="state" className={`tag breaker-${breaker.state}`}>
              {SIGNS[breaker.state]} {breaker.state}
            </span>,
            breaker.inStateForMs === 0 ? 'all along' : wholeSeconds(breaker.inStateForMs),
            <Timeline key="timeline" breaker={breaker} changes={changes} frame={frame} />,
            `${breaker.reason ?? '–'}${nextTry(breaker)}`,
            amount(breaker.failures),
            amount(breaker.refused),
            amount(breaker.transitions.open),
          ])}
        />
      </div>
      {changes.length === 0 ? (
        <p className="idle">No breaker has changed its state since monitoring started.</p>
      ) : (
        <ol className="log" aria-label="Changes of state" tabIndex={0}>
          {changes.map((change, index) => (
            <li key={`${change.at}-${change.breaker}-${change.to}-${index}`}>
              <time dateTime={new Date(change.at).toISOString()}>{clock(change.at)}</time>{' '}
              <span className={`tag breaker-${change.to}`}>
                {SIGNS[change.to]} {change.to}
              </span>{' '}
              {changeInWords(change)}
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

const FIGURES = ['Failures', 'Refused', 'Opened'] as const;

/** A sign for each state, so that they differ by more than color. */
const SIGNS: Readonly<Record<Breaker['state'], string>> = { closed: '●', 'half-open': '◐', open: '✕', isolated: '⊘' };

function changeInWords({ breaker, from, to, reason, probes }: Change): string {
  const why = reason === null || to === 'closed' ? '' : `: ${reason}`;
  switch (to) {
    case 'closed':
      return `${breaker} lets calls through again.`;
    case 'half-open':
      return `${breaker} lets a call through to try.`;
    case 'isolated':
      return `${breaker} was isolated${why}.`;
    case 'open':
      // An older process reports each try as a change of its own.
      return `${breaker} ${from === 'half-open' ? 'stays open' : 'opened'}${why}.${probes > 0 ? ` ${counted(probes, 'try has', 'tries have')} failed since.` : ''}`;
  }
}

function nextTry({ nextProbeInMs }: Breaker): string {
  if (nextProbeInMs === null) return '';
  return nextProbeInMs === 0 ? '; the next call is let through' : `; next try in ${duration(nextProbeInMs)}`;
}

interface Segment {
  readonly state: string;
  readonly from: number;
  readonly to: number;
}

/** In which state it was, when; the last one first. */
function segmentsOf({ pool, name, state }: Breaker, changes: readonly Change[], { from, to, shown }: Frame): readonly Segment[] {
  const segments: Segment[] = [];
  // The state before the server's first look is not known.
  const start = Math.max(from, shown[0]?.at ?? to);
  let end = to;
  let current: string = state;
  for (const change of changes) {
    if (change.pool !== pool || change.breaker !== name) continue;
    if (change.at <= start) break;
    segments.push({ state: current, from: Math.min(change.at, end), to: end });
    end = Math.min(change.at, end);
    current = change.from;
  }
  return [...segments, { state: current, from: Math.min(start, end), to: end }];
}

function Timeline({ breaker, changes, frame }: { readonly breaker: Breaker; readonly changes: readonly Change[]; readonly frame: Frame }) {
  const segments = segmentsOf(breaker, changes, frame);
  const span = frame.to - frame.from;
  const words = `${breaker.name} over time. ${counted(segments.length - 1, 'change', 'changes')} of state in the time shown; now ${breaker.state}.`;
  return (
    <span className="timeline" role="img" aria-label={words}>
      {segments.map(({ state, from, to }) => (
        <span
          key={from}
          className={`breaker-${state}`}
          title={`${state} from ${clock(from)} to ${clock(to)}`}
          style={{ left: `${((from - frame.from) / span) * 100}%`, width: `${((to - from) / span) * 100}%` }}
        />
      ))}
    </span>
  );
}
