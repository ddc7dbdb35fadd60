/** A clock that stands still until its next timer is due: for pools in simulation. */

import type { Clock, Timer } from 'poolwright/engine';
import { Heap } from '../own-size/heap.js';

/** Microtasks until a promise chain of a pool has come to rest. */
const MICROTASKS = 12;

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
  cancelled: boolean;
}

export class SimulatedTime implements Clock {
  #now = 0;
  readonly #alarms = new Heap<Alarm>();

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const alarm = { at: this.#now + Math.max(delayMs, 0), callback, cancelled: false };
    this.#alarms.push(alarm.at, alarm);
    const nothing = (): void => undefined;
    return { cancel: () => void (alarm.cancelled = true), ref: nothing, unref: nothing };
  }

  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.setTimer(resolve, milliseconds));
  }

  /** Lets time pass until the work is done. */
  async passUntil(work: Promise<unknown>): Promise<void> {
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    for (;;) {
      for (let i = 0; i < MICROTASKS; i += 1) await Promise.resolve();
      if (done) return void (await ended);
      if (this.#alarms.size === 0) throw new Error('Nothing will happen any more, and the work is not done.');
      const alarm = this.#alarms.pop();
      if (alarm.cancelled) continue;
      this.#now = alarm.at;
      alarm.callback();
    }
  }
}
