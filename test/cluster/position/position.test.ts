/** Positions: what is read from servers and other processes, compared, merged, and written down. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GtidSet } from '../../../src/cluster/position/gtid-set.js';
import { LONGEST_POSITION, Position } from '../../../src/cluster/position/position.js';

const A = 'b15ddc4f-ec0b-11f1-a852-02fc00000001';
const B = 'b15ddc4f-ec0b-11f1-a852-02fc00000002';
const GROUP = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

function noted(...reports: readonly (readonly [string, string])[]): Position {
  const position = Position.none();
  for (const [reported, by] of reports) position.note(reported, by);
  return position;
}

const uuids = fc.constantFrom(A, B, GROUP);
const numbers = fc.integer({ min: 1, max: 50 });
const mysqlGtids = fc.tuple(uuids, fc.constantFrom('', ':app', ':tag_2'), numbers, fc.constantFrom(A, B));
const mysqlPositions = fc
  .array(mysqlGtids, { maxLength: 6 })
  .map((gtids) => noted(...gtids.map(([uuid, tag, number, by]) => [`${uuid}${tag}:${number}`, by] as const)));
const mariadbPositions = fc
  .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 5 }), numbers), { maxLength: 6 })
  .map((gtids) => noted(...gtids.map(([domain, server, number]) => [`${domain}-${server}-${number}`, A] as const)));

describe.each([
  ['MySQL', mysqlPositions],
  ['MariaDB', mariadbPositions],
])('a position of %s', (_, positions) => {
  it('is read from its own text as it was', () => {
    fc.assert(
      fc.property(positions, (position) => {
        const read = Position.parse(position.toString());
        expect(read.toString()).toBe(position.toString());
        expect(read.covers(position) && position.covers(read)).toBe(true);
      }),
    );
  });

  it('covers what was merged into it, and nothing less', () => {
    fc.assert(
      fc.property(positions, positions, (one, other) => {
        const both = one.copy();
        both.merge(other);
        expect(both.covers(one) && both.covers(other)).toBe(true);
        expect(one.covers(both)).toBe(one.covers(other));
        const reverse = other.copy();
        reverse.merge(one);
        expect(reverse.covers(both) && both.covers(reverse)).toBe(true);
      }),
    );
  });

  it('is in a set if and only if each of its transactions is', () => {
    fc.assert(
      fc.property(positions, positions, (position, executed) => {
        const set = GtidSet.parse(executed.asked);
        if (set === undefined) throw new Error('bug: it is not readable');
        if (position.isIn(set)) expect(GtidSet.parse(position.asked)?.covers(GtidSet.parse('') as GtidSet)).toBe(true);
        const merged = GtidSet.parse([position.asked, executed.asked].filter((text) => text !== '').join(','));
        expect(position.isIn(merged as GtidSet)).toBe(true);
      }),
    );
  });
});

describe('a text from another process', () => {
  it.each([
    ['a number', 7, /a number is none/],
    ['null', null, /a null is none/],
    ['a word', 'latest', /"latest" is no GTID/],
    ['a range', `${A}:1-7`, /is no GTID/],
    ['a number of zero', `${A}:0`, /is no GTID/],
    ['a number that is not exact', `${A}:9999999999999999`, /is no GTID/],
    ['a writer that is no server', `${A}:7@nobody`, /is no GTID/],
    ['a writer of MariaDB', `0-1-7@${A}`, /is no GTID/],
    ['two writers', `${A}:7@${A}@${A}`, /is no GTID/],
    ['SQL', `0-1-7'), SLEEP(10`, /is no GTID/],
    ['a long one', 'x'.repeat(LONGEST_POSITION + 1), /4097 characters, and may have 4096/],
    ['many parts', Array.from({ length: 65 }, (_, domain) => `${domain}-1-1`).join(','), /65 parts, and may have 64/],
  ])('%s is refused', (_, text, message) => {
    expect(() => Position.parse(text)).toThrow(
      expect.objectContaining({ code: 'POOL_OPTION_INVALID', message: expect.stringMatching(message) as string }),
    );
  });

  it('never throws anything else, for any text', () => {
    const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789abcdef-:,@ '.split('')) }), fc.anything());
    fc.assert(
      fc.property(texts, (text) => {
        try {
          Position.parse(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'POOL_OPTION_INVALID' });
        }
      }),
    );
  });

  it('may be empty: nothing was written', () => {
    expect(Position.parse('').isEmpty).toBe(true);
  });
});

describe('what a server reports', () => {
  it('of several statements, the last of a range', () => {
    expect(noted([`${A}:11-12`, A]).toString()).toBe(`${A}:12`);
  });

  it('with the tag of MySQL 8.3 and later', () => {
    const position = noted([`${A}:app:7`, A]);
    expect(position.toString()).toBe(`${A}:app:7`);
    expect(position.isIn(GtidSet.parse(`${A}:1-90:app:1-6`) as GtidSet)).toBe(false);
    expect(position.isIn(GtidSet.parse(`${A}:1-90:app:1-7`) as GtidSet)).toBe(true);
  });

  it('is kept for each member of a group: their blocks of numbers say nothing about who was later', () => {
    const position = noted([`${GROUP}:1000007`, B], [`${GROUP}:90`, A]);
    expect(position.toString()).toBe(`${GROUP}:1000007@${B},${GROUP}:90@${A}`);
    expect(position.isIn(GtidSet.parse(`${GROUP}:1-80:1000001-1000009`) as GtidSet)).toBe(false);
    expect(position.isIn(GtidSet.parse(`${GROUP}:1-90:1000001-1000009`) as GtidSet)).toBe(true);
  });

  it('of MariaDB, the last of each domain, no matter which server it came from', () => {
    expect(noted(['0-1-7', A], ['0-2-9', A], ['1-1-3', A], ['0-1-8', A]).toString()).toBe('0-2-9,1-1-3');
  });

  it('counts as nothing when it cannot be read', () => {
    expect(noted(['', A], ['what is this', A]).isEmpty).toBe(true);
  });

  it('is forgotten once every server has it', () => {
    const position = noted([`${A}:7`, A], [`${B}:5`, B]);
    position.forgetWhatIsIn([GtidSet.parse(`${A}:1-7`) as GtidSet, GtidSet.parse(`${A}:1-9,\n${B}:1-5`) as GtidSet]);
    expect(position.toString()).toBe(`${B}:5`);
    position.forgetWhatIsIn([]);
    expect(position.toString()).toBe(`${B}:5`);
  });
});

describe('a set of transactions', () => {
  it('covers another if it has all of it', () => {
    const set = GtidSet.parse(`${A}:1-7:10-20,${B}:1-3`);
    expect(set?.covers(GtidSet.parse(`${A}:2-3:11`) as GtidSet)).toBe(true);
    expect(set?.covers(GtidSet.parse(`${A}:7-10`) as GtidSet)).toBe(false);
    expect(set?.covers(GtidSet.parse(`${GROUP}:1`) as GtidSet)).toBe(false);
  });

  it.each(['nonsense', A, `${A}:`, `${A}:7-3`, `${A}:x-y`, '0-1', 'x'.repeat(70_000)])('is not made of %s', (text) => {
    expect(GtidSet.parse(text)).toBeUndefined();
  });
});
