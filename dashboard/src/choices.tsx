/** What the reader chooses from: the pools of a process and the processes of a service, the worst first. */

import type { LivePool } from '../../src/monitor/live/index.js';
import type { PeerReport } from '../../src/monitor/peers/index.js';
import type { Process } from './connection.js';
import { wholeSeconds } from './format.js';
import { type Processes, verdictIn, type View } from './live-store.js';
import { SIGNS, type Status } from './status.js';

const BY_SEVERITY: readonly Status[] = ['unhealthy', 'degraded', 'healthy'];

interface Choice {
  readonly key: string | number;
  readonly name: string;
  readonly status: Status;
  /** The verdict. */
  readonly headline: string;
  readonly figures: string;
  readonly isChosen: boolean;
  readonly choose: () => void;
}

export function PoolList({
  view,
  pools,
  chosen,
  onChoose,
}: {
  readonly view: View;
  readonly pools: readonly LivePool[];
  readonly chosen: string;
  readonly onChoose: (name: string) => void;
}) {
  const choices = pools.map((pool): Choice => {
    const { name, health, stats } = pool;
    return {
      key: name,
      name,
      status: health.status,
      headline: health.status === 'healthy' ? '' : verdictIn(view, pool).headline,
      figures: `${stats.used}/${stats.limit} in use, ${stats.waiting} waiting`,
      isChosen: name === chosen,
      choose: () => onChoose(name),
    };
  });
  return <Choices label="Pools" choices={choices} />;
}

export function ProcessList({
  processes: { own, peers },
  chosen,
  onChoose,
}: {
  readonly processes: Processes;
  readonly chosen: Process;
  readonly onChoose: (process: Process) => void;
}) {
  const choices: readonly Choice[] = [
    {
      key: 'own',
      name: `${own.host} · ${own.pid} (this server)`,
      ...worstOf(own),
      figures: sumOf(own),
      isChosen: chosen === 'own',
      choose: () => onChoose('own'),
    },
    ...peers.map((report) => ({
      key: report.peer,
      name: report.process === null ? report.address : `${report.process.host} · ${report.process.pid}`,
      ...peerInWords(report),
      isChosen: chosen === report.peer,
      choose: () => onChoose(report.peer),
    })),
  ];
  return <Choices label="Processes" choices={choices} />;
}

function Choices({ label, choices }: { readonly label: string; readonly choices: readonly Choice[] }) {
  const worstFirst = choices.toSorted((a, b) => BY_SEVERITY.indexOf(a.status) - BY_SEVERITY.indexOf(b.status));
  return (
    <nav aria-label={label} className="choices">
      {worstFirst.map(({ key, name, status, headline, figures, isChosen, choose }) => (
        <button key={key} type="button" aria-pressed={isChosen} className={status} title={headline} onClick={choose}>
          <span className="choice-head">
            <b>{name}</b> <span className={`status ${status}`}>{SIGNS[status]}</span>
          </span>
          {headline === '' ? null : <span className="choice-words">{headline}</span>}
          <span className="choice-figures">{figures}</span>
        </button>
      ))}
    </nav>
  );
}

const PEER_STATES = {
  reachable: 'reachable',
  stale: 'stale: it does not answer',
  unreachable: 'does not answer',
  unauthorised: 'needs a different token',
  unknown: 'is something else',
} as const;

function peerInWords({ state, message, seenAgoMs, process }: PeerReport): Pick<Choice, 'status' | 'headline' | 'figures'> {
  if (state === 'reachable' && process !== null) return { ...worstOf(process), figures: sumOf(process) };
  const seen = seenAgoMs === null ? '' : `, seen ${wholeSeconds(seenAgoMs)} ago`;
  return { status: 'unhealthy', headline: message, figures: `${PEER_STATES[state]}${seen}` };
}

/** The verdict on the pool that is worst. */
function worstOf({ pools }: Processes['own']): Pick<Choice, 'status' | 'headline'> {
  const worst = pools.toSorted((a, b) => BY_SEVERITY.indexOf(a.status) - BY_SEVERITY.indexOf(b.status))[0];
  if (worst === undefined) return { status: 'degraded', headline: '' };
  return { status: worst.status, headline: worst.status === 'healthy' ? '' : (worst.headline ?? '') };
}

function sumOf({ pools }: Processes['own']): string {
  if (pools.length === 0) return 'no pool';
  const total = (read: (pool: (typeof pools)[number]) => number): number => pools.reduce((sum, pool) => sum + read(pool), 0);
  return `${total(({ used }) => used)}/${total(({ limit }) => limit)} in use, ${total(({ waiting }) => waiting)} waiting`;
}
