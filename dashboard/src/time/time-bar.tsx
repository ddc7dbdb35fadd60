/** The bar over the charts: which time they show, whether that is live, and what one takes away of it. */

import type { Points } from './past.js';
import { stampOfSpan, step } from './stamp.js';
import { useTimeline } from '../timeline.js';
import { RANGES, type TimeWindow } from './window.js';

interface TimeBarProps {
  readonly window: TimeWindow;
  readonly state: Points['state'];
  /** What was copied last, in words. */
  readonly notice: string;
  readonly onRange: (rangeMs: number) => void;
  readonly onZoomOut: () => void;
  readonly onLive: () => void;
  readonly onCopyLink: () => void;
  readonly onCopyText: () => void;
  readonly onCsv: () => void;
}

const STATES: Readonly<Record<Points['state'], string>> = {
  known: '',
  asked: 'Asking for what is older …',
  failed: 'Older points could not be loaded.',
};

export function TimeBar({ window, state, notice, onRange, onZoomOut, onLive, onCopyLink, onCopyText, onCsv }: TimeBarProps) {
  const { frame, now } = useTimeline();
  const { rangeMs, past } = window;
  const each = `each point: ${step(frame.stepMs)}${frame.stepMs > 1_000 ? ', the worst of it' : ''}`;
  return (
    <section className={past === undefined ? 'time-bar' : 'time-bar past'} aria-label="Time shown">
      <div role="group" aria-label="Time range" className="segments">
        {RANGES.map(([ms, , label], index) => (
          <button
            key={ms}
            type="button"
            aria-pressed={past === undefined && rangeMs === ms}
            aria-keyshortcuts={String(index + 1)}
            onClick={() => onRange(ms)}
          >
            {label}
          </button>
        ))}
      </div>
      <p className="time-words">
        {past === undefined ? null : <b>Not live: {stampOfSpan(past.from, past.to, now)}</b>}{' '}
        <span className="note" title="Connections and waits: the worst moment of the time that a point covers. Rates: the mean of it.">
          {each}. {frame.gaps.length === 0 ? '' : STATES[state]}
        </span>
      </p>
      {past === undefined ? null : (
        <div className="segments">
          <button type="button" aria-keyshortcuts="Escape" onClick={onZoomOut}>
            Zoom out
          </button>
          <button type="button" className="primary" onClick={onLive}>
            Back to live
          </button>
        </div>
      )}
      <p className="note time-notice" role="status">
        {notice}
      </p>
      <div role="group" aria-label="Copy this moment" className="segments">
        <button type="button" aria-keyshortcuts="l" title="An address that shows this moment" onClick={onCopyLink}>
          Copy link
        </button>
        <button type="button" aria-keyshortcuts="c" title="This moment as text for a ticket" onClick={onCopyText}>
          Copy text
        </button>
        <button type="button" title="The points of the charts" onClick={onCsv}>
          CSV
        </button>
      </div>
    </section>
  );
}
