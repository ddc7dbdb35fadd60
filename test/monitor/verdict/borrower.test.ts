/** What a borrower does, in words that are made from data. */

import { describe, expect, it } from 'vitest';
import { workOf } from '../../../src/monitor/verdict/index.js';

const one = { id: 1, heldMs: 10, description: 'connection 5' };

describe('what a borrower does', () => {
  it.each([
    ['runs a statement', { inTransaction: false, statement: 'SELECT ?', runningMs: 3 }, 'running SELECT ?'],
    ['runs one in a transaction', { inTransaction: true, statement: 'SELECT ?', runningMs: 3 }, 'in a transaction, running SELECT ?'],
    ['runs what has no text, such as a ping', { inTransaction: false, runningMs: 3 }, 'running a command without a text'],
    ['idles in a transaction', { inTransaction: true }, 'idle in a transaction'],
    ['idles', { inTransaction: false }, 'no statement running, not released'],
    ['is not known', {}, 'connection 5'],
  ])('%s', (_, work, words) => {
    expect(workOf({ ...one, ...work })).toBe(words);
  });

  it('is never read from its description', () => {
    const misleading = { ...one, description: 'connection 5 (in a transaction, a statement running for 5 ms: DROP TABLE t)' };
    expect(workOf({ ...misleading, inTransaction: false })).toBe('no statement running, not released');
  });
});
