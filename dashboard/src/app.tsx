/** The page as a whole: header, verdict, lists of pools and processes, sign-in. */

import { type FormEvent, useRef, useState, useSyncExternalStore } from 'react';
import type { LivePool } from '../../src/monitor/live/index.js';
import { type Process, setToken, token } from './connection.js';
import { duration } from './format.js';
import type { LiveStore, Processes, View } from './live-store.js';
import { Actions } from './panels/actions.js';
import { Breakers } from './panels/breakers.js';
import { Cache } from './panels/cache.js';
import { Charts } from './panels/charts.js';
import { DEMO_POOL, DemoTroubles } from './panels/demo.js';
import { FleetPanel } from './panels/fleet.js';
import { Incidents } from './panels/incidents.js';
import { Borrowers, Counters, Events, Options, PgBouncer, SlowQueries } from './panels/tables.js';
import { TopologyPanel } from './panels/topology.js';
import { Verdict } from './panels/verdict.js';
import { useAddress } from './time/address.js';
import { useKeys } from './time/keys.js';
import { Tiles } from './time/tiles.js';
import { TimeControls } from './time/time-controls.js';
import { TimelineContext } from './timeline.js';
import { useProcess, useTime } from './time/use-time.js';
import { aroundIncident } from './time/window.js';

const THEME_KEY = 'poolwright-theme';

export function App({ store }: { readonly store: LiveStore }) {
  const current = useSyncExternalStore(store.subscribe, store.view);
  const [frozen, setFrozen] = useState<View>();
  const [shown, go] = useAddress();
  const [theme, setTheme] = useTheme();
  const signIn = useRef<HTMLDialogElement>(null);

  const view = frozen ?? current;
  const { snapshot } = view;
  const pools = snapshot?.pools ?? [];
  const pool = pools.find(({ name }) => name === shown.pool) ?? pools[0];
  const time = useTime(view, pool?.name, shown, go, theme);
  const { processes } = current;
  const choose = (process: Process): void => {
    setFrozen(undefined);
    go({ process: processes?.peers.find(({ peer }) => peer === process)?.address });
  };
  useProcess(shown.process, current, store);
  const togglePause = (): void => setFrozen(frozen === undefined ? current : undefined);

  useKeys({
    p: togglePause,
    t: () => setTheme(theme === 'dark' ? 'light' : 'dark'),
  });

  return (
    <>
      <header className="bar">
        <h1>Poolwright</h1>
        <LinkState view={current} paused={frozen !== undefined} />
        <div className="controls">
          <button type="button" aria-pressed={frozen !== undefined} aria-keyshortcuts="p" onClick={togglePause}>
            {frozen === undefined ? 'Pause' : 'Resume'}
          </button>
          <button type="button" aria-keyshortcuts="t" onClick={() => setTheme(theme === 'dark' ? 'light' : 'dark')}>
            {theme === 'dark' ? 'Light' : 'Dark'}
          </button>
          <button type="button" onClick={() => signIn.current?.showModal()}>
            {token() === undefined ? 'Sign in' : 'Token'}
          </button>
        </div>
      </header>
      <TimelineContext value={time.timeline}>
        <main>
          {pools.some(({ name }) => name === DEMO_POOL) && current.process === 'own' ? <DemoTroubles /> : null}
          {processes !== undefined && processes.peers.length > 0 ? (
            <ProcessList processes={processes} chosen={current.process} onChoose={choose} />
          ) : null}
          {current.link === 'locked' || current.link === 'blocked' || current.link === 'refused' ? (
            <Locked link={current.link} onOpen={() => signIn.current?.showModal()} />
          ) : pool === undefined || snapshot === undefined ? (
            <p className="page-note" role="status">
              {snapshot === undefined ? nothingYet(current) : 'No pools yet. Create one with createPool().'}
            </p>
          ) : (
            <>
              {pools.length > 1 ? <PoolList pools={pools} chosen={pool.name} onChoose={(name) => go({ pool: name })} /> : null}
              <Verdict pool={pool} view={view}>
                <Tiles pool={pool} latency={shown.latency} isLive={shown.window.past === undefined} />
              </Verdict>
              <TopologyPanel pool={pool} now={snapshot.at} />
              <FleetPanel pool={pool} />
              <TimeControls time={time} shown={shown} go={go} pool={pool} view={view} />
              <Charts key={pool.name} latency={shown.latency} go={go} />
              <div className="panels">
                <Borrowers pool={pool} />
                <SlowQueries pool={pool} />
                <Incidents
                  incidents={view.incidents.get(pool.name) ?? []}
                  now={snapshot.at}
                  onZoom={(incident) => time.timeline.zoom(aroundIncident(incident, snapshot.at))}
                />
                <Events snapshot={snapshot} pool={pool} />
                <Breakers snapshot={snapshot} pool={pool} frame={time.timeline.frame} />
                <Counters pool={pool} />
                <Cache key={`cache of ${pool.name}`} pool={pool} snapshot={snapshot} />
                <PgBouncer snapshot={snapshot} />
                <Actions
                  key={`actions of ${current.process} ${pool.name}`}
                  pool={pool}
                  snapshot={snapshot}
                  mayAct={view.mayAct}
                  client={current.client}
                />
                <Options pool={pool} />
              </div>
            </>
          )}
        </main>
      </TimelineContext>
      <footer className="page-note">
        {snapshot === undefined
          ? ''
          : `Process ${snapshot.process.pid} on ${snapshot.process.host}, Node ${snapshot.process.node}, up for ${duration(snapshot.process.upForMs)}. `}
        Keys: p pause, t theme, 1 to 6 time range, c copy this moment as text, l as a link, Escape zoom out; in a chart: arrows.
      </footer>
      <SignIn dialog={signIn} onToken={() => store.reconnect()} />
    </>
  );
}

function LinkState({ view, paused }: { readonly view: View; readonly paused: boolean }) {
  const { link, heardAt, now } = view;
  const agoMs = heardAt === undefined ? 0 : Math.max(0, now - heardAt);
  const words = {
    connecting: 'Connecting …',
    live: paused ? 'Paused' : 'Live',
    stale: `Stale: no news for ${duration(Math.round(agoMs / 1_000) * 1_000)}, trying again`,
    locked: 'Signed out',
    blocked: 'Blocked for a minute',
    refused: 'Refused by this process',
  }[link];
  return (
    <p className={`link ${paused && link === 'live' ? 'paused' : link}`}>
      <span aria-live="polite">{words}</span>
    </p>
  );
}

/** The words for a process that has sent nothing yet. */
function nothingYet({ process, processes }: View): string {
  const peer = processes?.peers.find((one) => one.peer === process);
  if (peer === undefined) return 'Connecting to the server …';
  return peer.message === '' ? `Connecting to ${peer.address} …` : `The process at ${peer.address}: ${peer.message}. It is tried again.`;
}

const MOST_IN_SIGHT = 8;
const BY_SEVERITY = ['unhealthy', 'degraded', 'healthy'] as const;

function PoolList({
  pools,
  chosen,
  onChoose,
}: {
  readonly pools: readonly LivePool[];
  readonly chosen: string;
  readonly onChoose: (name: string) => void;
}) {
  // Of many pools, those with problems come first, so that they are in sight.
  const listed =
    pools.length > MOST_IN_SIGHT
      ? pools.toSorted((a, b) => BY_SEVERITY.indexOf(a.health.status) - BY_SEVERITY.indexOf(b.health.status))
      : pools;
  return (
    <nav aria-label="Pools" className="pools">
      {listed.map(({ name, health, stats }) => (
        <button key={name} type="button" aria-pressed={name === chosen} className={health.status} onClick={() => onChoose(name)}>
          <b>{name}</b>
          <span>
            {health.status}, {stats.used}/{stats.limit} in use, {stats.waiting} waiting
          </span>
        </button>
      ))}
    </nav>
  );
}

function ProcessList({
  processes: { own, peers },
  chosen,
  onChoose,
}: {
  readonly processes: Processes;
  readonly chosen: Process;
  readonly onChoose: (process: Process) => void;
}) {
  return (
    <nav aria-label="Processes" className="pools">
      <button type="button" aria-pressed={chosen === 'own'} className={worstOf(own)} onClick={() => onChoose('own')}>
        <b>
          {own.host} · {own.pid} (this server)
        </b>
        <span>{sumOf(own)}</span>
      </button>
      {peers.map(({ peer, address, state, message, seenAgoMs, process }) => (
        <button
          key={peer}
          type="button"
          aria-pressed={chosen === peer}
          className={state === 'reachable' && process !== null ? worstOf(process) : 'unhealthy'}
          title={message === '' ? headlineOf(process) : message}
          onClick={() => onChoose(peer)}
        >
          <b>{process === null ? address : `${process.host} · ${process.pid}`}</b>
          <span>
            {state === 'reachable' && process !== null
              ? sumOf(process)
              : `${PEER_STATES[state]}${seenAgoMs === null ? '' : `, seen ${duration(Math.round(seenAgoMs / 1_000) * 1_000)} ago`}`}
          </span>
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

function worstOf({ pools }: Processes['own']): 'healthy' | 'degraded' | 'unhealthy' {
  return BY_SEVERITY.find((status) => pools.some((pool) => pool.status === status)) ?? 'degraded';
}

/** The verdict on the pool that is worst. */
function headlineOf(process: Processes['own'] | null): string {
  const pools = process?.pools ?? [];
  return pools.toSorted((a, b) => BY_SEVERITY.indexOf(a.status) - BY_SEVERITY.indexOf(b.status))[0]?.headline ?? '';
}

function sumOf(process: Processes['own']): string {
  const { pools } = process;
  if (pools.length === 0) return 'no pool';
  const total = (read: (pool: (typeof pools)[number]) => number): number => pools.reduce((sum, pool) => sum + read(pool), 0);
  return `${worstOf(process)}, ${total(({ used }) => used)}/${total(({ limit }) => limit)} in use, ${total(({ waiting }) => waiting)} waiting`;
}

function Locked({ link, onOpen }: { readonly link: 'locked' | 'blocked' | 'refused'; readonly onOpen: () => void }) {
  if (link === 'refused') {
    return (
      <section className="page-note" role="alert">
        <h2>This process requires a different token from the one that this server has.</h2>
        <p>Give both the same POOLWRIGHT_TOKEN and POOLWRIGHT_OPERATE_TOKEN. The server tries again each minute.</p>
      </section>
    );
  }
  return (
    <section className="page-note" role="alert">
      <h2>{link === 'locked' ? 'This server requires a token.' : 'Too many wrong tokens came from this address.'}</h2>
      <p>{link === 'locked' ? 'Use the value of POOLWRIGHT_TOKEN or of the option token.' : 'Wait a minute, then sign in again.'}</p>
      <button type="button" onClick={onOpen}>
        Sign in
      </button>
    </section>
  );
}

function SignIn({ dialog, onToken }: { readonly dialog: React.RefObject<HTMLDialogElement | null>; readonly onToken: () => void }) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get('token');
    setToken(typeof given === 'string' ? given.trim() : '');
    event.currentTarget.reset();
    dialog.current?.close();
    onToken();
  };
  return (
    <dialog ref={dialog} aria-labelledby="sign-in">
      <form onSubmit={submit}>
        <h2 id="sign-in">Sign in</h2>
        <p>The token stays in this tab. One to operate with allows actions, too. Leave it empty to sign out.</p>
        <label>
          Token <input name="token" type="password" autoComplete="off" />
        </label>
        <div className="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit">Use this token</button>
        </div>
      </form>
    </dialog>
  );
}

type Theme = 'dark' | 'light';

/** The system's, until another is chosen. */
function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => {
    const kept = localStorage.getItem(THEME_KEY);
    if (kept === 'dark' || kept === 'light') return kept;
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  });
  document.documentElement.dataset['theme'] = theme;
  return [
    theme,
    (chosen) => {
      localStorage.setItem(THEME_KEY, chosen);
      setTheme(chosen);
    },
  ];
}
