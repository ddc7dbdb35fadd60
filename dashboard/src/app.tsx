/** The page as a whole: header, lists of pools and processes, verdict, panels. */

import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { PoolList, ProcessList } from './choices.js';
import { type Process, token } from './connection.js';
import { duration } from './format.js';
import type { Link, LiveStore, View } from './live-store.js';
import { Charts } from './panels/charts.js';
import { DEMO_POOL, DemoTroubles } from './panels/demo.js';
import { FleetPanel } from './panels/fleet.js';
import { Panels } from './panels/panels.js';
import { TopologyPanel } from './panels/topology.js';
import { Verdict } from './panels/verdict.js';
import { type DurationName, frameOf } from './series.js';
import { isClosed, Locked, SignInDialog } from './sign-in.js';

const RANGES: readonly (readonly [number, string])[] = [
  [60_000, '1 min'],
  [300_000, '5 min'],
  [600_000, '10 min'],
];

const THEME_KEY = 'poolwright-theme';

export function App({ store }: { readonly store: LiveStore }) {
  const current = useSyncExternalStore(store.subscribe, store.view);
  const [frozen, setFrozen] = useState<View>();
  const [poolName, setPoolName] = useState<string>();
  const [rangeMs, setRange] = useState(300_000);
  const [latency, setLatency] = useState<DurationName>('query');
  const [theme, setTheme] = useTheme();
  const [menuIsOpen, openMenu] = useState(false);
  const signIn = useRef<HTMLDialogElement>(null);
  const closed = useClosed(current.link);

  const view = frozen ?? current;
  const { snapshot } = view;
  const pools = snapshot?.pools ?? [];
  const pool = pools.find(({ name }) => name === poolName) ?? pools[0];
  const points = pool === undefined ? undefined : view.points.get(pool.name);
  const frame = useMemo(() => frameOf(points ?? [], rangeMs, snapshot?.at ?? 0), [points, rangeMs, snapshot?.at]);
  const { processes } = current;
  const choose = (process: Process): void => {
    setFrozen(undefined);
    store.choose(process);
  };
  const togglePause = (): void => setFrozen(frozen === undefined ? current : undefined);

  useKeys({
    p: togglePause,
    t: () => setTheme(theme === 'dark' ? 'light' : 'dark'),
    1: () => setRange(60_000),
    2: () => setRange(300_000),
    3: () => setRange(600_000),
  });

  return (
    <>
      <header className="bar">
        <h1>Poolwright</h1>
        <LinkState view={current} paused={frozen !== undefined} />
        <button type="button" className="menu" aria-expanded={menuIsOpen} aria-controls="controls" onClick={() => openMenu(!menuIsOpen)}>
          Menu
        </button>
        <div id="controls" className={menuIsOpen ? 'controls open' : 'controls'}>
          <div role="group" aria-label="Time range" className="segments">
            {RANGES.map(([ms, label]) => (
              <button key={ms} type="button" aria-pressed={rangeMs === ms} onClick={() => setRange(ms)}>
                {label}
              </button>
            ))}
          </div>
          <button type="button" aria-pressed={frozen !== undefined} aria-keyshortcuts="p" onClick={togglePause}>
            {frozen === undefined ? 'Pause' : 'Resume'}
          </button>
          <button type="button" aria-keyshortcuts="t" onClick={() => setTheme(theme === 'dark' ? 'light' : 'dark')}>
            {theme === 'dark' ? 'Light' : 'Dark'}
          </button>
          {closed === undefined ? (
            <button type="button" onClick={() => signIn.current?.showModal()}>
              {token() === undefined ? 'Sign in' : 'Token'}
            </button>
          ) : null}
        </div>
      </header>
      <main>
        {pools.some(({ name }) => name === DEMO_POOL) && current.process === 'own' ? <DemoTroubles /> : null}
        {processes !== undefined && processes.peers.length > 0 ? (
          <ProcessList processes={processes} chosen={current.process} onChoose={choose} />
        ) : null}
        {closed !== undefined ? (
          <Locked link={closed} checking={current.link === 'connecting'} onToken={() => store.reconnect()} />
        ) : pool === undefined || snapshot === undefined ? (
          <p className="page-note" role="status">
            {snapshot === undefined ? nothingYet(current) : 'No pools yet. Create one with createPool().'}
          </p>
        ) : (
          <>
            {pools.length > 1 ? <PoolList view={view} pools={pools} chosen={pool.name} onChoose={setPoolName} /> : null}
            <Verdict pool={pool} view={view} />
            <TopologyPanel pool={pool} now={snapshot.at} />
            <FleetPanel pool={pool} />
            <Charts key={pool.name} frame={frame} theme={theme} latency={latency} onLatency={setLatency} />
            <Panels key={`${current.process} ${pool.name}`} pool={pool} snapshot={snapshot} view={view} frame={frame} theme={theme} />
          </>
        )}
      </main>
      <footer className="page-note">
        {snapshot === undefined
          ? ''
          : `Process ${snapshot.process.pid} on ${snapshot.process.host}, Node ${snapshot.process.node}, up for ${duration(snapshot.process.upForMs)}. `}
        Keys: p pause, t theme, 1 2 3 time range.
      </footer>
      {closed === undefined ? <SignInDialog dialog={signIn} onToken={() => store.reconnect()} /> : null}
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

/** Why the page is closed; while a token is being tried, it stays so. */
function useClosed(link: Link): 'locked' | 'blocked' | 'refused' | undefined {
  const wasLocked = useRef(false);
  if (link !== 'connecting') wasLocked.current = link === 'locked';
  if (isClosed(link)) return link;
  return wasLocked.current ? 'locked' : undefined;
}

/** The words for a process that has sent nothing yet. */
function nothingYet({ process, processes }: View): string {
  const peer = processes?.peers.find((one) => one.peer === process);
  if (peer === undefined) return 'Connecting to the server …';
  return peer.message === '' ? `Connecting to ${peer.address} …` : `The process at ${peer.address}: ${peer.message}. It is tried again.`;
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

function useKeys(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && event.target.closest('input, select, textarea, dialog') !== null;
      if (!isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) keys[event.key]?.();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}
