/** The panel in which an operator acts on a pool, after a question. */

import { useRef, useState } from 'react';
import type { LivePool, LiveSnapshot } from '../../../src/monitor/live/index.js';
import { type Client, messageOf } from '../connection.js';
import { clock } from '../format.js';
import { Panel } from './panel.js';

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
  client,
}: {
  readonly pool: LivePool;
  readonly snapshot: LiveSnapshot;
  readonly mayAct: boolean;
  readonly client: Client;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [intent, setIntent] = useState<Intent>();
  const [limit, setLimit] = useState('');
  const [outcome, setOutcome] = useState('');
  const { monitoring } = client;
  const name = { pool: pool.name };
  const log = snapshot.actions.filter((record) => record.pool === null || record.pool === pool.name);

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
      effect: 'The pool closes idle connections now, and lent ones at release. It opens new ones as needed.',
      run: () => monitoring.evict.mutate(name),
    },
    suspended
      ? {
          label: 'Resume',
          effect: 'The pool lends connections again, and serves waiting callers.',
          run: () => monitoring.resume.mutate(name),
        }
      : {
          label: 'Suspend',
          effect: 'The pool lends nothing until an operator resumes it. Callers wait, and may time out.',
          run: () => monitoring.suspend.mutate(name),
        },
    {
      label: 'Drain',
      effect: 'The pool ends: it takes no new work, lets borrowers finish for 30 s, and closes. The application cannot use it afterward.',
      run: () => monitoring.drain.mutate(name),
    },
  ];
  return (
    <Panel title="Actions" wide={!mayAct}>
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
              const [min = '', max] = limit.split('-');
              const connectionLimit = max === undefined ? Number(min) : { min: Number(min), max: Number(max) };
              ask({
                label: `Resize to ${limit}`,
                effect: `${max === undefined ? `At most ${limit} connections` : `As many connections as the pool finds right, ${min} to ${max},`} instead of ${pool.stats.limit}. The pool closes connections above the limit at release.`,
                run: () => monitoring.resize.mutate({ ...name, connectionLimit }),
              });
            }}
          >
            <label>
              New limit{' '}
              <input
                pattern="[0-9]+(-[0-9]+)?"
                title="A number, or a range such as 5-50"
                required
                value={limit}
                onChange={(event) => setLimit(event.target.value)}
              />
            </label>
            <button type="submit">Resize …</button>
          </form>
          {pool.cache === null ? null : <InvalidateForm pool={pool.name} client={client} ask={ask} />}
          <BreakerForm pool={pool.name} breakers={snapshot.breakers} client={client} ask={ask} />
        </div>
      ) : (
        <p className="note">To act on this pool, sign in with a token that allows it.</p>
      )}
      <p role="status" className="note">
        {outcome}
      </p>
      <dialog ref={dialog} aria-labelledby="question">
        <h2 id="question">
          {intent?.label}: pool {pool.name}?
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
      {log.length === 0 ? null : (
        <ol className="log" tabIndex={0} aria-label="Operator actions">
          {log.map(({ at, action, detail, by, outcome: result, error }, index) => (
            <li key={`${at}-${index}`}>
              <time dateTime={new Date(at).toISOString()}>{clock(at)}</time> {action.replace('-', ' ')} {detail} – {error ?? result}, by{' '}
              {by}
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

interface FormProps {
  readonly pool: string;
  readonly client: Client;
  readonly ask: (intent: Intent) => void;
}

type Invalidated = 'tag' | 'table' | 'all';

function InvalidateForm({ pool, client, ask }: FormProps) {
  const [what, setWhat] = useState<Invalidated>('tag');
  const [name, setName] = useState('');
  const submit = (): void => {
    const named = what === 'all' ? 'everything' : `what ${what === 'tag' ? 'has the tag' : 'came from the table'} ${name}`;
    const given = what === 'all' ? { all: true as const } : what === 'tag' ? { tags: [name] } : { tables: [name] };
    ask({
      label: `Invalidate ${what === 'all' ? 'everything' : `${what} ${name}`}`,
      effect: `This invalidates ${named} in all processes that share the cache. Until it is loaded again, the database answers.`,
      run: () => client.monitoring.invalidate.mutate({ pool, ...given }),
    });
  };
  return (
    <form
      aria-label="Invalidate the cache"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label>
        Cache{' '}
        <select value={what} onChange={(event) => setWhat(event.target.value as Invalidated)}>
          <option value="tag">by tag</option>
          <option value="table">by table</option>
          <option value="all">everything</option>
        </select>
      </label>
      <input
        aria-label={what === 'table' ? 'Table' : 'Tag'}
        placeholder={what === 'all' ? '' : what}
        required={what !== 'all'}
        disabled={what === 'all'}
        value={what === 'all' ? '' : name}
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit">Invalidate …</button>
    </form>
  );
}

function BreakerForm({ pool, breakers, client, ask }: FormProps & { readonly breakers: LiveSnapshot['breakers'] }) {
  const listed = breakers.filter((one) => one.pool === null || one.pool === pool);
  const [chosen, setChosen] = useState('');
  const breaker = listed.find((one) => keyOf(one) === chosen) ?? listed[0];
  if (breaker === undefined) return null;
  const target = { pool: breaker.pool, breaker: breaker.name };
  return (
    <div role="group" aria-label="Breakers" className="group">
      <label>
        Breaker{' '}
        <select value={keyOf(breaker)} onChange={(event) => setChosen(event.target.value)}>
          {listed.map((one) => (
            <option key={keyOf(one)} value={keyOf(one)}>
              {one.name} ({one.state})
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        disabled={breaker.state === 'isolated'}
        onClick={() =>
          ask({
            label: `Isolate ${breaker.name}`,
            effect: 'The breaker refuses all calls at once, until an operator closes it.',
            run: () => client.monitoring.isolateBreaker.mutate(target),
          })
        }
      >
        Isolate …
      </button>
      <button
        type="button"
        disabled={breaker.state === 'closed'}
        onClick={() =>
          ask({
            label: `Close ${breaker.name}`,
            effect: 'The breaker lets calls through again, no matter who held it open. After failures, it opens again by itself.',
            run: () => client.monitoring.closeBreaker.mutate(target),
          })
        }
      >
        Close …
      </button>
    </div>
  );
}

function keyOf({ pool, name }: { readonly pool: string | null; readonly name: string }): string {
  return JSON.stringify([pool, name]);
}
