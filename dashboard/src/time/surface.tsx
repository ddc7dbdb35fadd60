/** What lies over the curves of a chart: bands of incidents, gaps, the crosshair with its values, and the stretch that is being chosen. */

import { type KeyboardEvent, type PointerEvent, useEffect, useId, useRef, useSyncExternalStore } from 'react';
import { capitalised, wordsOnIncident } from '../../../src/monitor/verdict/index.js';
import { stamp, stampOfSpan } from './stamp.js';
import { incidentsAt, indexAt, type Timeline, useMarkedIndex, useTimeline } from '../timeline.js';
import { type Span, zoomTo } from './window.js';

/** A value of a curve at one moment. */
export interface Reading {
  readonly label: string;
  readonly colour?: string;
  readonly value: string;
}

interface SurfaceProps {
  readonly title: string;
  /** The values at one place of the curves. */
  readonly read: (index: number) => readonly Reading[];
}

/** Less is a click. */
const DRAG_PX = 5;
/** Narrower gaps have no room for words. */
const WORDY = 0.14;

export function Surface({ title, read }: SurfaceProps) {
  const timeline = useTimeline();
  const { frame, crosshair, now } = timeline;
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const line = useRef<HTMLDivElement>(null);
  const brush = useRef<HTMLDivElement>(null);
  const pressed = useRef<{ readonly x: number; readonly at: number; isDrag: boolean }>(undefined);
  const index = useMarkedIndex();
  const isActive = useSyncExternalStore(crosshair.subscribe, () => crosshair.active() === id);
  const moment = useSyncExternalStore(crosshair.subscribe, () => snapped(timeline, crosshair.moment()));
  const readings = index === undefined ? [] : read(index);

  useEffect(() => {
    const draw = (): void => {
      placeLine(line.current, frame, snapped(timeline, crosshair.moment()));
      placeBrush(brush.current, frame, crosshair.brush());
    };
    draw();
    return crosshair.subscribe(draw);
  }, [timeline]);

  const timeAt = (event: PointerEvent): number => {
    const box = (root.current as HTMLDivElement).getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return frame.from + share * (frame.to - frame.from);
  };
  const onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const at = timeAt(event);
    root.current?.setPointerCapture(event.pointerId);
    pressed.current = { x: event.clientX, at, isDrag: false };
    crosshair.hover(at, id);
  };
  const onMove = (event: PointerEvent): void => {
    const at = timeAt(event);
    const start = pressed.current;
    crosshair.hover(at, id);
    if (start === undefined || isTouch(event)) return;
    start.isDrag ||= Math.abs(event.clientX - start.x) > DRAG_PX;
    if (start.isDrag) crosshair.choose({ from: start.at, to: at });
  };
  const onUp = (event: PointerEvent): void => {
    const start = pressed.current;
    pressed.current = undefined;
    if (start === undefined) return;
    const at = timeAt(event);
    crosshair.choose(undefined);
    if (start.isDrag) {
      crosshair.hover(undefined);
      timeline.zoom(zoomTo(start.at, at));
    } else crosshair.mark(snapped(timeline, at), id);
  };
  const onLeave = (event: PointerEvent): void => {
    if (pressed.current === undefined && !isTouch(event)) crosshair.hover(undefined);
  };
  const onCancel = (): void => {
    pressed.current = undefined;
    crosshair.choose(undefined);
    crosshair.hover(undefined);
  };

  return (
    <div
      ref={root}
      className="surface"
      role="slider"
      tabIndex={0}
      aria-label={`Moment in ${title}`}
      aria-valuemin={frame.from}
      aria-valuemax={frame.to}
      aria-valuenow={Math.round(moment ?? frame.to)}
      aria-valuetext={inWords(timeline, moment, readings)}
      onPointerDown={onDown}
      onPointerMove={onMove}
      onPointerUp={onUp}
      onPointerLeave={onLeave}
      onPointerCancel={onCancel}
      onKeyDown={(event) => onKey(event, timeline, id)}
    >
      {frame.gaps.map((gap) => (
        <Gap key={gap.from} gap={gap} timeline={timeline} />
      ))}
      <Bands />
      <div ref={brush} className="brush" hidden />
      <div ref={line} className="crosshair" hidden />
      {isActive && moment !== undefined ? (
        <div className="tooltip" style={besides(frame, moment)}>
          <p>
            <b>{stamp(moment, now)}</b>
          </p>
          {readings.length === 0 ? <p className="note">Nothing was kept of this moment.</p> : null}
          <dl>
            {readings.map(({ label, colour, value }) => (
              <div key={label}>
                <dt>
                  {colour === undefined ? null : <span className="swatch" style={{ color: `var(${colour})` }} />}
                  {label}
                </dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          {incidentsAt(timeline.incidents, moment, now)
            .slice(0, 2)
            .map((incident) => (
              <p key={incident.id} className={`tooltip-incident ${incident.status}`}>
                {capitalised(wordsOnIncident(incident, now))}
              </p>
            ))}
        </div>
      ) : null}
    </div>
  );
}

/** The incidents behind the curves. */
function Bands() {
  const { frame, incidents, now } = useTimeline();
  return incidents
    .filter(({ begin, end }) => begin < frame.to && (end ?? now) > frame.from)
    .map(({ id, status, begin, end }) => (
      <div key={id} className={`band ${status}`} style={across(frame, { from: begin, to: end ?? now })} />
    ));
}

function Gap({ gap, timeline: { frame, now } }: { readonly gap: Span; readonly timeline: Timeline }) {
  const isWide = (gap.to - gap.from) / (frame.to - frame.from) > WORDY;
  const words =
    gap.from <= frame.from && gap.to < frame.to
      ? `Nothing kept before ${stamp(gap.to, now)}`
      : `Nothing kept, ${stampOfSpan(gap.from, gap.to, now)}`;
  return (
    <div className="gap" style={across(frame, gap)} title={words}>
      {isWide ? <span>{words}</span> : null}
    </div>
  );
}

function isTouch({ pointerType }: PointerEvent): boolean {
  return pointerType === 'touch';
}

/** A moment of a curve, where there is one near. */
function snapped({ frame }: Timeline, at: number | undefined): number | undefined {
  if (at === undefined || at < frame.from || at > frame.to) return undefined;
  const index = indexAt(frame, at);
  return index === undefined ? Math.round(at) : frame.times[index];
}

function percentAt({ from, to }: Span, at: number): number {
  return Math.min(100, Math.max(0, ((at - from) / (to - from)) * 100));
}

function across(frame: Span, { from, to }: Span): React.CSSProperties {
  return { left: `${percentAt(frame, from)}%`, width: `${percentAt(frame, to) - percentAt(frame, from)}%` };
}

/** Left of the line when there is more room. */
function besides(frame: Span, at: number): React.CSSProperties {
  const left = percentAt(frame, at);
  return left > 50 ? { right: `calc(${100 - left}% + 10px)` } : { left: `calc(${left}% + 10px)` };
}

function placeLine(node: HTMLElement | null, frame: Span, at: number | undefined): void {
  if (node === null) return;
  node.hidden = at === undefined;
  if (at !== undefined) node.style.left = `${percentAt(frame, at)}%`;
}

function placeBrush(node: HTMLElement | null, frame: Span, chosen: Span | undefined): void {
  if (node === null) return;
  node.hidden = chosen === undefined;
  if (chosen === undefined) return;
  const [from, to] = [Math.min(chosen.from, chosen.to), Math.max(chosen.from, chosen.to)];
  node.style.left = `${percentAt(frame, from)}%`;
  node.style.width = `${percentAt(frame, to) - percentAt(frame, from)}%`;
}

function inWords({ incidents, now }: Timeline, moment: number | undefined, readings: readonly Reading[]): string {
  if (moment === undefined) return 'No moment is marked. Arrow keys mark one.';
  const values = readings.length === 0 ? 'nothing was kept' : readings.map(({ label, value }) => `${label} ${value}`).join(', ');
  const wrong = incidentsAt(incidents, moment, now).map((incident) => wordsOnIncident(incident, now));
  return `${stamp(moment, now)}: ${[values, ...wrong].join('; ')}`;
}

/** Arrows move the moment; with Shift they choose a stretch, and Enter zooms to it. */
function onKey(event: KeyboardEvent, timeline: Timeline, chart: string): void {
  const { crosshair } = timeline;
  const now = crosshair.moment();
  const next = momentAfter(event.key, timeline, now);
  if (next !== undefined) {
    event.preventDefault();
    const anchor = crosshair.brush()?.from ?? now ?? next;
    crosshair.choose(event.shiftKey ? { from: anchor, to: next } : undefined);
    crosshair.mark(next, chart);
    return;
  }
  if (event.key !== 'Enter') return;
  const chosen = crosshair.brush();
  const [incident] = now === undefined ? [] : incidentsAt(timeline.incidents, now, timeline.now);
  if (chosen === undefined && incident === undefined) return;
  event.preventDefault();
  crosshair.choose(undefined);
  if (chosen !== undefined) timeline.zoom(zoomTo(chosen.from, chosen.to));
  else if (incident !== undefined) timeline.zoomToIncident(incident);
}

function momentAfter(key: string, { frame, incidents }: Timeline, now: number | undefined): number | undefined {
  const { times, from, to } = frame;
  const last = times.length - 1;
  if (last < 0) return undefined;
  const before = times.findLastIndex((time) => time <= (now ?? to));
  const at = before === -1 ? 0 : before;
  const begins = incidents.map(({ begin }) => begin).filter((begin) => begin > from && begin < to);
  switch (key) {
    case 'ArrowLeft':
      return times[now === undefined ? last : Math.max(0, at - 1)];
    case 'ArrowRight':
      return times[now === undefined ? last : Math.min(last, at + 1)];
    case 'Home':
      return times[0];
    case 'End':
      return times[last];
    case 'PageUp':
      return begins.toSorted((one, other) => other - one).find((begin) => begin < (now ?? to) - frame.stepMs);
    case 'PageDown':
      return begins.toSorted((one, other) => one - other).find((begin) => begin > (now ?? from) + frame.stepMs);
    default:
      return undefined;
  }
}
