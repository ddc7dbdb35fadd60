/** The page as a whole: header, lists of pools and processes, verdict, panels. */

import { useRef, useState, useSyncExternalStore } from 'react';
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
import { isClosed, Locked, SignInDialog } from './sign-in.js';
import { useAddress } from './time/address.js';
import { useKeys } from './time/keys.js';
import { Tiles } from './time/tiles.js';
import { TimeControls } from './time/time-controls.js';
import { useProcess, useTime } from './time/use-time.js';
import { TimelineContext } from './timeline.js';

const THEME_KEY = 'poolwright-theme';

export function App({ store }: { readonly store: LiveStore }) {
  const current = useSyncExternalStore(store.subscribe, store.view);
  const [frozen, setFrozen] = useState<View>();
  const [shown, go] = useAddress();
  const [theme, setTheme] = useTheme();
  const [menuIsOpen, openMenu] = useState(false);
  const signIn = useRef<HTMLDialogElement>(null);
  const closed = useClosed(current.link);

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
        <button type="button" className="menu" aria-expanded={menuIsOpen} aria-controls="controls" onClick={() => openMenu(!menuIsOpen)}>
          Menu
        </button>
        <div id="controls" className={menuIsOpen ? 'controls open' : 'controls'}>
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
      <TimelineContext value={time.timeline}>
        <main>
          {pools.some(({ name }) => name === DEMO_POOL) && current.process === 'own' ? (
            <DemoTroubles onStage={(troubled) => go({ pool: troubled })} />
          ) : null}
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
              {pools.length > 1 ? <PoolList view={view} pools={pools} chosen={pool.name} onChoose={(name) => go({ pool: name })} /> : null}
              <Verdict pool={pool} view={view}>
                <Tiles pool={pool} latency={shown.latency} isLive={shown.window.past === undefined} />
              </Verdict>
              <TopologyPanel pool={pool} now={snapshot.at} />
              <FleetPanel pool={pool} />
              <TimeControls time={time} shown={shown} go={go} pool={pool} view={view} />
              <Charts key={pool.name} latency={shown.latency} go={go} />
              <Panels key={`${current.process} ${pool.name}`} pool={pool} snapshot={snapshot} view={view} />
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
