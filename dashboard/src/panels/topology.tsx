/** The panel of a cluster: its servers, who writes, who lags, what changed, and where reads go. */

import type { ReactNode } from 'react';
import type { LivePool } from '../../../src/monitor/live/index.js';
import { amount, capitalised, clock, counted, duration, percent } from '../format.js';
import { Panel } from './panel.js';

type Topology = NonNullable<LivePool['topology']>;
type Node = Topology['nodes'][number];

/** Nothing for a pool that is no cluster. */
export function TopologyPanel({ pool, now }: { readonly pool: LivePool; readonly now: number }) {
  const { topology } = pool;
  // An older process does not send it.
  if (topology == null) return null;
  const { nodes, nodesLeftOut, discovery, reads, complaints, changes, writerChanges } = topology;
  return (
    <Panel title="Servers of the cluster" wide>
      <p className="note">
        {counted(nodes.length + nodesLeftOut, 'server', 'servers')}, found by {DISCOVERIES[discovery]}. Reads: consistency{' '}
        {reads.consistency}, maxLag {duration(reads.maxLag)}.{' '}
        {writerChanges === 0 ? 'The writer has not changed.' : `The writer has changed ${counted(writerChanges, 'time', 'times')}.`}
      </p>
      <ul className="nodes" aria-label="Servers of the cluster">
        {nodes.map((node) => (
          <NodeCard key={node.name} node={node} topology={topology} now={now} />
        ))}
      </ul>
      {nodesLeftOut > 0 ? <p className="note">{amount(nodesLeftOut)} more are not shown.</p> : null}
      {complaints.map((complaint) => (
        <p key={complaint} className="complaint">
          {complaint}
        </p>
      ))}
      <div className="halves">
        <div>
          <h3>Where reads go</h3>
          <Reads reads={reads} />
        </div>
        <div>
          <h3>What has changed</h3>
          <ol className="log history" aria-label="Changes of the cluster, the last first" tabIndex={0}>
            {changes.length === 0 ? <li className="empty">Nothing yet.</li> : null}
            {changes.map(({ at, what, message }, index) => (
              <li key={`${at}-${message}-${index}`} className={what}>
                <time dateTime={new Date(at).toISOString()}>{clock(at)}</time> <span className={`tag change-${what}`}>{CHANGES[what]}</span>{' '}
                {message}
              </li>
            ))}
          </ol>
        </div>
      </div>
    </Panel>
  );
}

const DISCOVERIES: Readonly<Record<Topology['discovery'], string>> = {
  static: 'the list of nodes alone',
  replication: 'replication',
  'group-replication': 'Group Replication',
  aurora: 'Aurora',
  tidb: 'TiDB',
};

const CHANGES: Readonly<Record<Topology['changes'][number]['what'], string>> = {
  writer: 'writer',
  ambiguous: 'two writers',
  state: 'state',
  'node-joined': 'joined',
  'node-left': 'left',
};

/** A sign for each state, so that they differ by more than color. */
const SIGNS: Readonly<Record<Node['state'], string>> = { up: '●', suspect: '◐', down: '✕', unfit: '⊘' };

function NodeCard({ node, topology, now }: { readonly node: Node; readonly topology: Topology; readonly now: number }) {
  const { name, state, reason, latencyMs, since } = node;
  return (
    <li className={`node ${state}${lagsTooMuch(node, topology) ? ' lagging' : ''}${topology.ambiguous.includes(name) ? ' ambiguous' : ''}`}>
      <div className="node-head">
        <b>{name}</b>
        <RoleTag node={node} topology={topology} />
      </div>
      <p className={`node-state ${state}`}>
        <span aria-hidden="true">{SIGNS[state]}</span> <b>{state}</b>{' '}
        <span className="note">
          since {clock(since)} ({duration(Math.max(0, Math.round((now - since) / 1_000) * 1_000))})
        </span>
      </p>
      <Lag node={node} topology={topology} />
      <p className="node-reason">
        {reason === null ? (latencyMs === null ? '' : `It answers in ${duration(latencyMs)}.`) : capitalised(reason)}
      </p>
    </li>
  );
}

function RoleTag({ node, topology: { writer, ambiguous } }: { readonly node: Node; readonly topology: Topology }) {
  const { name, role, state } = node;
  if (name === writer) return <span className="tag role-writer">✎ writer</span>;
  if (ambiguous.includes(name)) return <span className="tag role-ambiguous">⚠ takes writes, too</span>;
  if (role === 'writer') return <span className="tag">{state === 'up' ? 'takes writes' : 'was the writer'}</span>;
  return <span className="tag">{role === 'reader' ? 'replica' : 'no answer yet'}</span>;
}

/** The lag as a bar, which is full at twice what is allowed; the mark in its middle is `maxLag`. */
function Lag({ node, topology }: { readonly node: Node; readonly topology: Topology }) {
  const { name, lagMs, role, state } = node;
  const { maxLag } = topology.reads;
  if (role === 'writer') return <p className="lag note">{wordsOnWrites(node, topology)}</p>;
  // What it said before it was lost says nothing of now.
  if (lagMs === null || state === 'down') return <p className="lag note">Its lag is not known.</p>;
  const words = lagsTooMuch(node, topology) ? `lags ${duration(lagMs)}` : lagMs === 0 ? 'no lag' : `lag ${duration(lagMs)}`;
  return (
    <div className="lag">
      <p>
        <b>{words}</b>, <span className="note">{duration(maxLag)} allowed</span>
      </p>
      <div
        className="bar-of-lag"
        role="meter"
        aria-label={`Lag of ${name}`}
        aria-valuemin={0}
        aria-valuemax={maxLag * 2}
        aria-valuenow={Math.min(lagMs, maxLag * 2)}
        aria-valuetext={`${duration(lagMs)}, ${duration(maxLag)} are allowed`}
      >
        <span style={{ width: `${Math.min(100, (lagMs / (maxLag * 2)) * 100)}%` }} />
      </div>
    </div>
  );
}

function wordsOnWrites({ name, state }: Node, { writer, ambiguous }: Topology): string {
  if (name === writer) return 'Writes go here.';
  if (ambiguous.includes(name)) return 'It takes writes, but gets none.';
  return state === 'up' ? 'It takes writes, but the cluster does not follow it yet.' : 'It took writes at its last check.';
}

function lagsTooMuch({ lagMs, state, role }: Node, { reads }: Topology): boolean {
  return role !== 'writer' && state !== 'down' && lagMs !== null && lagMs > reads.maxLag;
}

const ROUTES: Readonly<Record<keyof Topology['reads']['counts'], string>> = {
  'reader:fit': 'a replica: it is fit',
  'writer:strong': 'the writer: it was asked for',
  'writer:no-reader': 'the writer: no replica is up',
  'writer:lag': 'the writer: replicas lag',
  'writer:position': 'the writer: no replica has the write',
  refused: 'nowhere: refused',
};

function Reads({ reads: { counts, moved, waits } }: { readonly reads: Topology['reads'] }): ReactNode {
  const rows = (Object.keys(ROUTES) as (keyof typeof ROUTES)[]).map((reason) => [reason, counts[reason] ?? 0] as const);
  const total = rows.reduce((sum, [, count]) => sum + count, 0);
  const shown = rows.filter(([reason, count]) => count > 0 || reason === 'reader:fit');
  return (
    <>
      <dl className="routes">
        {shown.map(([reason, count]) => (
          <div key={reason}>
            <dt>{ROUTES[reason]}</dt>
            <dd>
              <span className="route-bar" aria-hidden="true">
                <span
                  className={reason === 'reader:fit' ? 'fit' : reason === 'refused' ? 'refused' : ''}
                  style={{ width: percentOf(count, total) }}
                />
              </span>
              <span>{amount(count)}</span> <span className="note">{shareOf(count, total)}</span>
            </dd>
          </div>
        ))}
      </dl>
      <p className="note">
        Since the cluster was made.{' '}
        {waits.count === 0
          ? 'No read waited for a replica'
          : `${counted(waits.count, 'read', 'reads')} waited for a replica, 99 % of them up to ${duration(waits.p99Ms)}`}
        ; {moved === 0 ? 'none' : amount(moved)} moved to another server.
      </p>
    </>
  );
}

/** A few of many are not none. */
function shareOf(part: number, whole: number): string {
  return part > 0 && part / whole < 0.005 ? '< 1 %' : percent(part, whole);
}

function percentOf(part: number, whole: number): string {
  return whole === 0 ? '0%' : `${(part / whole) * 100}%`;
}
