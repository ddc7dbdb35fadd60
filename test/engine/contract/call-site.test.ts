/** What of a stack is the application's, and the place that it names. */

import { describe, expect, it } from 'vitest';
import { applicationFrames, callSite, placeOf } from '../../../src/engine/contract/call-site.js';

const HERE = `${import.meta.dirname}/../../../src`;

const OF_LIBRARIES = [
  `    at Lender.enqueueWaiter (file://${HERE}/engine/lending/lender.ts:142:58)`.replace('/test/engine/contract/../../../', '/'),
  `    at PoolCore.acquire (${HERE}/mysql/pools/pool-core.ts:10:1)`.replace('/test/engine/contract/../../../', '/'),
  '    at Query.run (/srv/shop/node_modules/mysql2/lib/base/pool.js:42:19)',
  '    at async Knex.acquire (file:///srv/shop/node_modules/.pnpm/knex@3/node_modules/knex/client.js:7:5)',
  '    at new Promise (<anonymous>)',
  '    at new Promise (native:1:11)',
  '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
];
const OF_APPLICATION = [
  '    at async report (file:///srv/shop/src/orders/report.ts:42:9)',
  '    at /srv/shop/src/main.ts:7:3',
  '    at <anonymous> (/srv/shop/src/main.ts:8:3)',
];

describe('the frames of the application', () => {
  it('are what is left without those of the pool, of packages and of Node', () => {
    const stack = ['Error', ...OF_LIBRARIES, OF_APPLICATION[0], OF_LIBRARIES[4], ...OF_APPLICATION.slice(1)].join('\n');
    expect(applicationFrames(stack)).toBe(['Error', ...OF_APPLICATION].join('\n'));
  });

  it('are all where none is known to be its', () => {
    const stack = ['Error', ...OF_LIBRARIES].join('\n');
    expect(applicationFrames(stack)).toBe(stack);
  });

  it('are found behind more frames of libraries than V8 keeps by default', () => {
    const deep = (left: number): string => (left === 0 ? (callSite().stack ?? '') : deep(left - 1));
    const { stackTraceLimit } = Error;
    expect(deep(30).split('\n').length).toBeGreaterThan(30);
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  });
});

describe('the place of a stack', () => {
  it.each([
    [OF_APPLICATION[0], 'orders/report.ts:42'],
    [OF_APPLICATION[1], 'src/main.ts:7'],
    ['    at run (C:\\shop\\src\\orders\\report.js:42:9)', 'orders/report.js:42'],
    ['    at report.mjs:3:1', 'report.mjs:3'],
    ['    at new Promise (<anonymous>)', undefined],
    ['    at somewhere', undefined],
    ['', undefined],
  ])('%s', (frame, place) => {
    expect(placeOf(`Error\n${frame}`)).toBe(place);
  });

  it('is that of the first frame that names one', () => {
    expect(placeOf(['Error', OF_LIBRARIES[4], ...OF_APPLICATION].join('\n'))).toBe('orders/report.ts:42');
  });
});
