import { describe, expect, it } from 'vitest';
import { Probes } from '../../../src/resilience/breaker/probes.js';

describe('Probes', () => {
  it('lets so many through at once, and is content with as many successes', () => {
    const probes = new Probes(2, 1_000, 0);
    expect([probes.admit(0), probes.admit(0), probes.admit(0)]).toEqual([true, true, false]);
    expect(probes.noteSuccess()).toBe(false);
    expect(probes.admit(0)).toBe(false);
    expect(probes.noteSuccess()).toBe(true);
  });

  it('replaces a probe that was given up, and those that are silent for too long', () => {
    const probes = new Probes(1, 1_000, 0);
    expect(probes.admit(0)).toBe(true);
    probes.noteGivenUp();
    expect([probes.admit(0), probes.admit(999)]).toEqual([true, false]);
    expect([probes.admit(1_000), probes.admit(1_000)]).toEqual([true, false]);
  });

  it('lets none through while a probe is made elsewhere, until that is silent for too long', () => {
    const probes = new Probes(3, 1_000, 0);
    probes.occupy(500);
    expect([probes.admit(1_499), probes.admit(1_500)]).toEqual([false, true]);
  });

  it('counts its time again when the clock was stepped back', () => {
    const probes = new Probes(1, 1_000, 5_000);
    expect(probes.admit(5_000)).toBe(true);
    probes.stepBack(4_000);
    expect([probes.admit(1_500), probes.admit(2_000)]).toEqual([false, true]);
  });
});
