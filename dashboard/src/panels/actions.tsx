import { useRef, useState } from 'react';
import type { LivePool, LiveSnapshot } from '../../../src/monitor/live-feed.js';
import { client, messageOf } from '../connection.js';
import { clock } from '../format.js';
import { Panel } from './tables.js';

interface Intent {
  readonly label: string;
  /** What it does, for the question. */
  readonly effect: string;
  readonly run: () => Promise<unknown>;
}

export function Actions({
  pool,
  snapshot,
  mayAct,
}: {
  readonly pool: LivePool;
  readonly snapshot: LiveSnapshot;
  readonly mayAct: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [intent, setIntent] = useState<Intent>();
  const [limit, setLimit] = useState('');
  const [outcome, setOutcome] = useState('');
  const { monitoring } = client;
  const name = { pool: pool.name };
  const log = snapshot.actions.filter((record) => record.pool === pool.name);

  const ask = (next: Intent): void => {
    setIntent(next);
    setOutcome('');
    dialog.current?.showModal();
  };
  const confirm = async (): Promise<void> => {
    dialog.current?.close();
    try {
      await intent?.run();
      setOutcome(`${intent?.label}: done.`);
    } catch (error) {
      setOutcome(`${intent?.label}: ${messageOf(error)}`);
    }
  };

  const suspended = pool.stats.state === 'suspended';
  const intents: readonly Intent[] = [
    {
      label: 'Evict all connections',
      effect: 'Idle connections are closed now, lent ones when they are given back. New ones are opened as needed.',
      run: () => monitoring.evict.mutate(name),
    },
    suspended
      ? {
          label: 'Resume',
          effect: 'The pool lends connections again; those who wait are served.',
          run: () => monitoring.resume.mutate(name),
        }
      : {
          label: 'Suspend',
          effect: 'Nothing is lent until somebody resumes the pool. Callers wait, and may time out.',
          run: () => monitoring.suspend.mutate(name),
        },
    {
      label: 'Drain',
      effect: 'The pool ends: it takes no new work, lets borrowers finish for 30 s, and closes. The application cannot use it afterwards.',
      run: () => monitoring.drain.mutate(name),
    },
  ];
  return (
    <Panel title="Actions">
      {mayAct ? (
        <div className="actions">
          {intents.map((one) => (
            <button key={one.label} type="button" onClick={() => ask(one)}>
              {one.label} …
            </button>
          ))}
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const connectionLimit = Number(limit);
              ask({
                label: `Resize to ${limit}`,
                effect: `At most ${limit} connections instead of ${pool.stats.limit}. Connections above the limit are closed as they are given back.`,
                run: () => monitoring.resize.mutate({ ...name, connectionLimit }),
              });
            }}
          >
            <label>
              New limit{' '}
              <input type="number" min="1" max="100000" required value={limit} onChange={(event) => setLimit(event.target.value)} />
            </label>
            <button type="submit">Resize …</button>
          </form>
        </div>
      ) : (
        <p className="note">To act on this pool, sign in with a token that allows it.</p>
      )}
      <p role="status" className="note">
        {outcome}
      </p>
      <dialog ref={dialog} aria-labelledby="question">
        <h2 id="question">
          {intent?.label} – pool {pool.name}?
        </h2>
        <p>{intent?.effect}</p>
        <div className="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="button" className="danger" onClick={() => void confirm()}>
            {intent?.label}
          </button>
        </div>
      </dialog>
      <ol className="log" aria-label="What operators have done">
        {log.map(({ at, action, detail, by, outcome: result, error }, index) => (
          <li key={`${at}-${index}`}>
            <time dateTime={new Date(at).toISOString()}>{clock(at)}</time> {action} {detail} – {error ?? result}, by {by}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
