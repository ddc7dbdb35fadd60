/** What all panels are made of: a part of the page with a heading, tables, and lists of facts. */

import { type ReactNode, useLayoutEffect, useRef } from 'react';

/** A steady panel keeps the height that it has had, up to this one, in pixels. */
const TALLEST = 420;

/** A part of the page with a heading. */
export function Panel({
  title,
  note,
  idle,
  wide = false,
  steady = false,
  children,
}: {
  readonly title: string;
  /** Beside the heading. */
  readonly note?: ReactNode;
  /** A faint line instead of the content, for when there is nothing now. */
  readonly idle?: string | false;
  readonly wide?: boolean;
  /** It grows with its content and does not shrink, so that what comes and goes does not move what is below. */
  readonly steady?: boolean;
  readonly children: ReactNode;
}) {
  const section = useRef<HTMLElement>(null);
  const tallest = useRef({ height: 0, width: 0 });
  useLayoutEffect(() => {
    const node = section.current;
    if (!steady || node === null) return;
    if (tallest.current.width !== node.offsetWidth) {
      node.style.minHeight = '';
      tallest.current = { height: 0, width: node.offsetWidth };
    }
    if (node.offsetHeight <= tallest.current.height) return;
    tallest.current.height = node.offsetHeight;
    node.style.minHeight = `${Math.min(TALLEST, node.offsetHeight)}px`;
  });
  return (
    <section ref={section} className={wide ? 'panel wide' : 'panel'} aria-label={title}>
      <div className="panel-head">
        <h2>{title}</h2>
        {note === undefined ? null : <p className="note">{note}</p>}
      </div>
      {typeof idle === 'string' ? <p className="idle">{idle}</p> : children}
    </section>
  );
}

/** A column of a table: figures stand right, under each other. */
export interface Column {
  readonly name: string;
  readonly isFigure?: boolean;
}

export function Table({
  caption,
  head,
  rows,
}: {
  readonly caption: string;
  readonly head: readonly (string | Column)[];
  readonly rows: readonly (readonly ReactNode[])[];
}) {
  const columns = head.map((column): Column => (typeof column === 'string' ? { name: column } : column));
  return (
    // Focusable, so that it can be scrolled by keys.
    <div className="table" tabIndex={0} role="group" aria-label={caption}>
      <table>
        <caption className="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, isFigure }) => (
              <th key={name} scope="col" className={isFigure === true ? 'figure' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, number) => (
            <tr key={number}>
              {row.map((cell, column) => (
                <td
                  key={columns[column]?.name}
                  data-label={columns[column]?.name}
                  className={columns[column]?.isFigure === true ? 'figure' : undefined}
                >
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Facts({ rows }: { readonly rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The last panel: what has nothing to show, in one line. */
export function NothingHere({ of }: { readonly of: readonly string[] }) {
  if (of.length === 0) return null;
  return <p className="nothing-here">Nothing here: {of.join(', ')}.</p>;
}
