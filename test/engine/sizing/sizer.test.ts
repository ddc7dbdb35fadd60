import { describe, expect, it } from 'vitest';
import { fixedSize, Gradient2, OwnSize, RANGE, Vegas } from '../../../benchmarks/src/own-size/size-rules.js';
import { type Outcome, SETTLING_MS, Simulation, type SizeRule, WINDOW_MS } from '../../../benchmarks/src/own-size/simulation.js';
import { drawnScene, KINDS } from '../../../benchmarks/src/own-size/drawn-scenes.js';
import { type Scene, type Stretch, scenes } from '../../../benchmarks/src/own-size/workloads.js';
import { Sizer } from '../../../src/engine/sizing/index.js';
import { seededRandom } from '../support/random.js';

const FIXED = [1, 2, 3, 5, 8, 12, 20, 32, 50, 64];

function run(scene: Scene, rule: SizeRule, seed = 1): Outcome {
  return new Simulation(scene, rule, seededRandom(seed)).run();
}

const ownSize = (): OwnSize => new OwnSize(new Sizer(RANGE, 20));

/** How often the size that is kept changes within a stretch, once it has settled: a size that is tried for less than 2 s is none. */
function movesOf(scene: Scene, sizes: readonly number[]): number {
  let moves = 0;
  let window = 0;
  for (const { seconds } of scene.stretches) {
    const end = window + (seconds * 1_000) / WINDOW_MS;
    const settled = sizes.slice(window + SETTLING_MS / WINDOW_MS, end);
    window = end;
    const kept: number[] = [];
    for (let from = 0, to = 0; from < settled.length; from = to) {
      while (to < settled.length && settled[to] === settled[from]) to += 1;
      if (to - from >= 8 && kept.at(-1) !== settled[from]) kept.push(settled[from] as number);
    }
    moves += Math.max(kept.length - 1, 0);
  }
  return moves;
}

describe.each(scenes)('$name', (scene) => {
  const fixed = new Map(FIXED.map((size) => [size, run(scene, fixedSize(size))]));
  const best = [...fixed.values()].reduce((one, other) => (other.rate > one.rate ? other : one));
  const usual = fixed.get(20) as Outcome;

  const own = run(scene, ownSize());

  it('comes within 10 % of the rate of the best fixed size and 20 % of its p99', () => {
    expect(own.rate / best.rate).toBeGreaterThan(0.9);
    expect(own.p99Ms / best.p99Ms).toBeLessThan(1.2);
    // The default may be near the best: 5 % is what trying other sizes may cost.
    expect(own.rate / usual.rate).toBeGreaterThan(0.95);
  });

  it('does not go up and down once it has settled', () => {
    expect(movesOf(scene, own.sizes) / scene.stretches.length).toBeLessThanOrEqual(2);
  });
});

/** Scenes that no threshold was chosen by. */
describe.each(KINDS)('%s, with numbers drawn at random', (kind) => {
  it('comes near the best fixed size, and not below the default', () => {
    const scene = drawnScene(kind, seededRandom(77));
    const fixed = [2, 5, 12, 20, 32, 64].map((size) => run(scene, fixedSize(size)));
    const best = fixed.reduce((one, other) => (other.rate > one.rate ? other : one));
    const own = run(scene, ownSize());
    expect(own.rate / best.rate).toBeGreaterThan(0.9);
    expect(own.p99Ms / best.p99Ms).toBeLessThan(1.2);
    expect(own.rate / (fixed[3] as Outcome).rate).toBeGreaterThan(0.95);
  });
});

describe('a size that has settled', () => {
  it.each([scenes[0], scenes[2]] as Scene[])('changes less than three times a minute: $name', (scene) => {
    const [stretch] = scene.stretches;
    const { sizes } = run({ ...scene, stretches: [{ workload: (stretch as Stretch).workload, seconds: 420 }] }, ownSize());
    const late = sizes.slice((180 * 1_000) / WINDOW_MS);
    const changes = late.filter((size, index) => index > 0 && size !== late[index - 1]).length;
    expect(changes / 4).toBeLessThan(3);
  });
});

describe('the yardsticks', () => {
  it.each([() => new Gradient2(), () => new Vegas(seededRandom(1))])('keep within the bounds', (rule) => {
    const { sizes } = run(scenes[2] as Scene, rule());
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(RANGE.min);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(RANGE.max);
  });
});

describe('a sizer', () => {
  const calm = { durationMs: 250, completed: 100, usedMs: 2_000, waitedMs: 0, waiting: 0, used: 8 };

  it('keeps its size while no caller waits', () => {
    const sizer = new Sizer({ min: 2, max: 50 }, 20);
    for (let window = 0; window < 400; window += 1) expect(sizer.next(calm)).toBe(20);
  });

  it('starts again below a bound that falls, and never passes it', () => {
    const sizer = new Sizer({ min: 2, max: 50 }, 20);
    for (let window = 0; window < 100; window += 1) {
      expect(sizer.next({ ...calm, waiting: 9 }, window < 50 ? 6 : 3)).toBeLessThanOrEqual(window < 50 ? 6 : 3);
    }
  });

  it('goes below its least size when another bound is lower', () => {
    expect(new Sizer({ min: 10, max: 50 }, 20).next(calm, 4)).toBe(4);
  });
});
