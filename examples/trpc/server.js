// A tRPC server with procedures of its own that mounts Poolwright's monitoring beside them.
//
//   DATABASE_URL=mysql://… node trpc/server.js
//   curl http://127.0.0.1:3002/monitoring.connectionPoolHealth
import { initTRPC } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import { getPool, pools } from 'poolwright';
import { createMonitoringRouter } from 'poolwright/trpc';
import { z } from 'zod';

const t = initTRPC.create();
const pool = getPool();

const router = t.router({
  add: t.procedure.input(z.object({ a: z.number(), b: z.number() })).query(async ({ input }) => {
    const [rows] = await pool.execute('SELECT ? + ? AS sum', [input.a, input.b]);
    return Number(rows[0].sum);
  }),
  monitoring: createMonitoringRouter({ pools }),
});

const server = createHTTPServer({ router });
server.listen(Number(process.env.PORT ?? 3002), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

process.once('SIGTERM', () => {
  server.close();
  void pool.drain({ timeout: 10_000 }).then(() => console.log('ended'));
});
