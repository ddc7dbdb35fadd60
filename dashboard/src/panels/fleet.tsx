/** The panel of a fleet: its budget and who has how much of it, how long each lease lasts, and how the ledger fares. */

import type { LivePool } from '../../../src/monitor/live/index.js';
import { amount, capitalised, counted, duration, wholeSeconds } from '../format.js';
import { Panel, Table } from './panel.js';

type Fleet = NonNullable<LivePool['fleet']>;
type Member = Fleet['roster'][number];

/** Nothing for a pool that is in no fleet. */
export function FleetPanel({ pool }: { readonly pool: LivePool }) {
  const { fleet } = pool;
  // An older process does not send it.
  if (fleet == null) return null;
  const { name, dryRun, phase, phaseMs, ceiling, roster, rosterLeftOut, warnings, ledger } = fleet;
  return (
    <Panel title={`Fleet ${name}`} wide>
      <p className={`fleet-phase ${phase.replace(' ', '-')}`}>
        <span aria-hidden="true">{SIGNS[phase]}</span> <b>{capitalised(phase)}</b>{' '}
        <span className="note">for {wholeSeconds(phaseMs)}.</span> {phaseInWords(fleet)}
      </p>
      {dryRun ? (
        <p className="fleet-dry-run">
          <span className="tag">dry run</span> The pool keeps its own limit. In the fleet it would have at most{' '}
          {counted(ceiling, 'connection', 'connections')}.
        </p>
      ) : null}
      {[...warnings, ...(ledger.failure === null ? [] : [`the last failure: ${ledger.failure}`])].map((complaint) => (
        <p key={complaint} className="complaint">
          {capitalised(complaint)}
        </p>
      ))}
      {roster.length === 0 ? (
        <p className="empty">The members appear when the ledger answers.</p>
      ) : (
        <>
          <Budget fleet={fleet} />
          <Table caption={`Members of fleet ${name}`} head={HEAD} rows={roster.map((member) => rowOf(member))} />
          {rosterLeftOut > 0 ? <p className="note">{amount(rosterLeftOut)} more members are not shown.</p> : null}
        </>
      )}
      <p className="note">
        {ledgerInWords(fleet)} {denialsInWords(fleet)}
      </p>
    </Panel>
  );
}

/** A sign for each phase, so that they differ by more than color. */
const SIGNS: Readonly<Record<Fleet['phase'], string>> = { starting: '◌', learning: '◐', leased: '●', 'safe share': '⚠', left: '○' };

function phaseInWords({ phase, lease, leaseLeftMs, ceiling, floor, congestion }: Fleet): string {
  const refused = congestion === null ? '' : ` The server refuses connections, so the pool opens at most ${amount(ceiling)} for now.`;
  const has = counted(lease, 'connection', 'connections');
  switch (phase) {
    case 'starting':
      return `The ledger has not answered yet: the pool has its floor of ${amount(floor)}.`;
    case 'learning':
      return `The ledger has lost its memory: members keep what they hold, and nothing new is granted. This pool has ${has}.`;
    case 'leased':
      return `The lease of ${has} lasts for another ${duration(leaseLeftMs)}.${refused}`;
    case 'safe share':
      return `The ledger does not answer and the lease has ended: the pool keeps at most ${counted(ceiling, 'connection', 'connections')}.${refused}`;
    case 'left':
      return 'The pool was closed.';
  }
}

/** The budget as a bar: what is granted, what is kept free for members that are away, what lost ones may hold, what is free. */
function Budget({ fleet: { budget, granted, reserved, overhang, members, lost, processes } }: { readonly fleet: Fleet }) {
  const taken = granted + reserved + overhang;
  const whole = Math.max(budget ?? 0, taken, 1);
  const parts = [
    ['granted', granted],
    ['reserved', reserved],
    ['overhang', overhang],
    ['free', Math.max(0, (budget ?? taken) - taken)],
  ] as const;
  const excess = budget === null ? 0 : taken - budget;
  const words = parts.map(([part, count]) => `${part} ${amount(count)}`).join(', ');
  return (
    <div className="fleet-budget">
      <p>
        {budget === null ? 'The budget is not known yet.' : <b>Budget of {counted(budget, 'connection', 'connections')}</b>}{' '}
        <span className="note">
          {amount(members)} of at most {counted(processes, 'member', 'members')} have a lease
          {lost === 0 ? '' : `, ${counted(lost, 'is', 'are')} lost`}.
        </span>{' '}
        {excess > 0 ? <span className="problem">{amount(excess)} above the budget.</span> : null}
        {members > processes ? <span className="problem">More members than processes.</span> : null}
      </p>
      <div className="budget-bar" role="img" aria-label={`Of the budget: ${words}`}>
        {parts.map(([part, count]) => (
          <span key={part} className={`budget-${part}`} style={{ width: `${(count / whole) * 100}%` }} />
        ))}
      </div>
      <ul className="budget-legend" aria-label="Parts of the budget">
        {parts.map(([part, count]) => (
          <li key={part}>
            <span className={`swatch budget-${part}`} aria-hidden="true" /> {part} <b>{amount(count)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

const HEAD = ['Member', 'Lease', 'In use', 'Could use', 'Member for', 'Lease left'] as const;

function rowOf({ id, own, lease, accounted, open, wanted, ageMs, leaseLeftMs }: Member) {
  return [
    <span key="id">
      <code>{id}</code> {own ? <span className="tag">this pool</span> : null}
    </span>,
    <span key="lease">
      {amount(lease)}
      {accounted > lease ? <span className="note"> gives back {amount(accounted - lease)}</span> : null}
    </span>,
    <span key="use" className="member-use">
      <span className="use-bar" aria-hidden="true">
        <span style={{ width: `${Math.min(100, (open / Math.max(lease, 1)) * 100)}%` }} />
      </span>
      {amount(open)}
    </span>,
    amount(wanted),
    wholeSeconds(ageMs),
    leaseLeftMs > 0 ? (
      duration(leaseLeftMs)
    ) : (
      <b key="left" className="member-lost">
        ✕ lost {wholeSeconds(-leaseLeftMs)} ago
      </b>
    ),
  ];
}

const LEDGERS: Readonly<Record<Fleet['ledger']['kind'], string>> = {
  redis: 'The ledger in Redis',
  database: 'The ledger in the database',
  own: "The application's ledger",
};

function ledgerInWords({ ledger: { kind, ageMs, roundTripMs, failures } }: Fleet): string {
  const answered = ageMs === null ? 'has not answered yet' : `last answered a request of ${duration(ageMs)} ago`;
  const takes = roundTripMs === null ? '' : `, in ${duration(roundTripMs)}`;
  const failed = failures === 0 ? '' : ` ${counted(failures, 'request has', 'requests have')} failed since the start.`;
  return `${LEDGERS[kind]} ${answered}${takes}.${failed}`;
}

const DENIALS: Readonly<Record<keyof Fleet['denied'], string>> = {
  budget: 'the budget was used up',
  learning: 'the ledger was learning',
  ledger: 'the ledger was away',
  congestion: 'the server refused connections',
};

function denialsInWords({ denied }: Fleet): string {
  const told = (Object.keys(DENIALS) as (keyof typeof DENIALS)[]).filter((reason) => denied[reason] > 0);
  if (told.length === 0) return 'No caller has waited for the fleet.';
  return `Callers waited for the fleet: ${told.map((reason) => `${DENIALS[reason]} (${counted(denied[reason], 'time', 'times')})`).join(', ')}.`;
}
