import { describe, expect, it } from 'vitest';
import type { FleetChange, FleetOptions, FleetLedger } from '../../../src/fleet/contract/index.js';
import { resolveFleetOptions, type ResolvedFleetOptions } from '../../../src/fleet/contract/options.js';
import { Member, type MemberCounts } from '../../../src/fleet/member/index.js';
import { FakeClock } from '../../engine/support/fake-clock.js';
import { MemoryLedger } from '../support/memory-ledger.js';

const OPTIONS = { name: 'shop', budget: 40, processes: 4, ledger: 'redis://unused', lease: 10_000 } as const;

/** A member with a pool of numbers, on a clock of the test's own. */
class Fixture {
  readonly changes: FleetChange[] = [];
  readonly counts: { -readonly [K in keyof MemberCounts]: MemberCounts[K] } = {
    open: 0,
    opening: 0,
    pooled: 0,
    used: 0,
    waiting: 0,
    longestWaitMs: 0,
    limit: 20,
  };
  ceiling: number | undefined;
  bound: () => number = () => Number.NaN;
  requests = 0;
  serverLimit = 100;
  readonly member: Member;

  constructor(
    readonly clock: FakeClock,
    readonly ledger: FleetLedger,
    options: Partial<FleetOptions> = {},
    wall: () => number = () => clock.now(),
  ) {
    const resolved = resolveFleetOptions({ ...OPTIONS, ...options }) as ResolvedFleetOptions;
    const pool = {
      counts: () => ({ ...this.counts }),
      busyMs: () => 0,
      setCeiling: (count: number, whenOpening: () => number) => {
        this.ceiling = count;
        this.bound = whenOpening;
      },
      countAtServer: () => Promise.resolve(this.counts.open),
      serverLimit: () => Promise.resolve(this.serverLimit),
    };
    const counted: FleetLedger = {
      transact: (name, step, signal) => {
        this.requests += 1;
        return ledger.transact(name, step, signal);
      },
      close: () => ledger.close(),
    };
    this.member = new Member('shop', resolved, pool, counted, { clock, random: () => 0.5, wall });
    this.member.onChange((change) => this.changes.push(change));
    this.member.start();
  }

  /** Callers take what the ceiling allows. */
  use(callers: number): void {
    const most = Math.min(callers, this.ceiling ?? this.counts.limit);
    Object.assign(this.counts, {
      open: most,
      pooled: most,
      used: most,
      waiting: callers - most,
      longestWaitMs: callers > most ? 1_000 : 0,
    });
    this.member.noteOpen();
  }

  async pass(seconds: number, callers?: number): Promise<void> {
    for (let tenths = 0; tenths < seconds * 10; tenths += 1) {
      if (callers !== undefined) this.use(callers);
      await this.clock.advance(100);
    }
  }
}

/** A ledger that can be cut off. */
class CutLedger extends MemoryLedger {
  cut = false;

  override transact<Reply>(...parameters: Parameters<MemoryLedger['transact']>): Promise<Reply> {
    return this.cut ? Promise.reject(new Error('cut off')) : (super.transact(...parameters) as Promise<Reply>);
  }
}

function ledgerOn(clock: FakeClock): CutLedger {
  return new CutLedger(() => clock.now());
}

describe('a member', () => {
  it('has its floor before the first answer, one less for the pool: a connection kills statements', async () => {
    const clock = new FakeClock();
    const ledger = ledgerOn(clock);
    ledger.cut = true;
    const fixture = new Fixture(clock, ledger);
    await fixture.pass(60, 10);
    expect(fixture.ceiling).toBe(1);
    expect(fixture.member.snapshot()).toMatchObject({
      phase: 'starting',
      lease: 2,
      ceiling: 2,
      ledger: { answers: 0, failure: 'cut off' },
    });
  });

  it('gets more for callers who wait, and asks seldom while nothing changes', async () => {
    const clock = new FakeClock();
    const fixture = new Fixture(clock, ledgerOn(clock), { processes: 1 });
    await fixture.pass(30, 15);
    expect(fixture.member.snapshot()).toMatchObject({ phase: 'leased', demand: 16 });
    expect(fixture.member.snapshot().lease).toBeGreaterThanOrEqual(16);
    const { requests } = fixture;
    await fixture.pass(60, 15);
    expect(fixture.requests - requests).toBeLessThanOrEqual(30);
  });

  it('F3: opens nothing above its safe share from a fifth of a lease before the end, even if no timer could run', async () => {
    const clock = new FakeClock();
    const ledger = ledgerOn(clock);
    let asleepMs = 0;
    const fixture = new Fixture(clock, ledger, { processes: 2 }, () => clock.now() + asleepMs);
    const other = new Fixture(clock, ledger, { processes: 2 });
    for (let tenths = 0; tenths < 300; tenths += 1) {
      other.use(1);
      await fixture.pass(0.1, 19);
    }
    expect(fixture.member.snapshot().lease).toBe(20);
    ledger.cut = true;
    expect(fixture.bound()).toBe(19);
    asleepMs = 8_000;
    expect(fixture.bound()).toBe(19);
    const { lease } = fixture.member.snapshot();
    expect(lease).toBe(20);
    expect(fixture.member.snapshot().leaseLeftMs).toBe(0);
  });

  it('falls to its safe share when its lease ends, and gets its lease back with the first answer', async () => {
    const clock = new FakeClock();
    const ledger = ledgerOn(clock);
    const fixture = new Fixture(clock, ledger, { processes: 2, budget: 20 });
    const idle = new Fixture(clock, ledger, { processes: 2, budget: 20 });
    idle.use(1);
    await fixture.pass(40, 15);
    expect(fixture.member.snapshot().lease).toBe(16);
    ledger.cut = true;
    await fixture.pass(20, 15);
    expect(fixture.member.snapshot()).toMatchObject({ phase: 'safe share', ceiling: 10, safeShare: 10 });
    expect(fixture.ceiling).toBe(9);
    expect(fixture.member.snapshot().denied.ledger).toBeGreaterThan(0);
    ledger.cut = false;
    await fixture.pass(40, 15);
    expect(fixture.member.snapshot().phase).toBe('leased');
    expect(fixture.changes.filter(({ what }) => what === 'phase').map(({ message }) => message.split(',')[0])).toEqual([
      'learning',
      'leased',
      'safe share',
      'leased',
    ]);
  });

  it('halves its bound when the server refuses connections, and grows back by steps', async () => {
    const clock = new FakeClock();
    const fixture = new Fixture(clock, ledgerOn(clock), { processes: 1 });
    await fixture.pass(30, 16);
    fixture.member.noteRefused('Too many connections');
    fixture.member.noteRefused('Too many connections');
    expect(fixture.member.snapshot()).toMatchObject({ congestion: 8, ceiling: 8, denied: { congestion: 2 } });
    expect(fixture.ceiling).toBe(7);
    await fixture.pass(5, 16);
    expect(fixture.member.snapshot().congestion).toBe(9);
    await fixture.pass(60, 16);
    expect(fixture.member.snapshot().congestion).toBeUndefined();
    expect(fixture.ceiling).toBeGreaterThanOrEqual(16);
  });

  it("with dryRun keeps the pool's own limit, and shows what it would have had", async () => {
    const clock = new FakeClock();
    const fixture = new Fixture(clock, ledgerOn(clock), { dryRun: true, processes: 4, budget: 20 });
    await fixture.pass(40, 20);
    expect(fixture.ceiling).toBeUndefined();
    const snapshot = fixture.member.snapshot();
    expect(snapshot).toMatchObject({ dryRun: true, phase: 'leased', open: 20 });
    expect(snapshot.ceiling).toBeGreaterThanOrEqual(2);
  });

  it("with budget 'auto' leaves a fifth of what the server allows, reads it again, and warns of too little", async () => {
    const clock = new FakeClock();
    const fixture = new Fixture(clock, ledgerOn(clock), { budget: 'auto', processes: 20 });
    await fixture.pass(20, 1);
    expect(fixture.member.snapshot()).toMatchObject({ budget: 80, warnings: [] });
    fixture.serverLimit = 40;
    await fixture.pass(70, 1);
    expect(fixture.member.snapshot().budget).toBe(32);
    expect(fixture.changes.filter(({ what }) => what === 'warning').map(({ message }) => message)).toEqual([
      'the server allows 40 connections: fleet.budget must be at least fleet.floor × fleet.processes = 2 × 20 = 40; given: 32.',
    ]);
  });

  it('of a fleet with two budgets goes by the smaller one, and both are named', async () => {
    const clock = new FakeClock();
    const ledger = ledgerOn(clock);
    const [one, other] = [new Fixture(clock, ledger, { budget: 40 }), new Fixture(clock, ledger, { budget: 30 })];
    await one.pass(30);
    expect(one.member.snapshot()).toMatchObject({ budget: 30 });
    const warnings = [...one.member.snapshot().warnings, ...other.member.snapshot().warnings].join();
    expect(warnings).toContain('say different fleet.budget: 30 is in force, member');
    expect(warnings).toContain(`${one.member.id} says 40`);
  });

  it('does not mind a wall clock that is an hour from the ledger, nor one that is set back', async () => {
    const clock = new FakeClock();
    const ledger = new MemoryLedger(() => clock.now() + 3_600_000);
    let wall = -3_600_000;
    const fixture = new Fixture(clock, ledger, { processes: 1 }, () => clock.now() + wall);
    await fixture.pass(30, 10);
    wall = -7_200_000;
    await fixture.pass(30, 10);
    expect(fixture.changes.filter(({ what }) => what === 'phase').map(({ message }) => message.split(',')[0])).toEqual([
      'learning',
      'leased',
    ]);
  });

  it('says farewell when its pool has closed, and asks no more', async () => {
    const clock = new FakeClock();
    const ledger = ledgerOn(clock);
    const fixture = new Fixture(clock, ledger);
    await fixture.pass(5, 3);
    expect(ledger.states.get('shop')?.members.size).toBe(1);
    await fixture.member.leave();
    expect(ledger.states.get('shop')?.members.size).toBe(0);
    const { requests } = fixture;
    await fixture.pass(20);
    expect(fixture.requests).toBe(requests);
    expect(fixture.member.snapshot().phase).toBe('left');
  });
});
