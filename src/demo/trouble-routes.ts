/** The paths of the demo's page: which troubles can be staged, which one runs, and the buttons that stage them. */
import type { createMonitoringServer } from '../monitor/server/index.js';
import { poolOf, TROUBLES, type TroubleName, type Troubles } from './troubles.js';

/** Adds `/demo/troubles` to the demo's monitoring server, which guards them as it guards all paths. */
export function addTroubleRoutes(app: ReturnType<typeof createMonitoringServer>, troublesNow: () => Troubles | undefined): void {
  const answer = (): object => ({
    troubles: Object.entries(TROUBLES).map(([name, about]) => ({ name, about, pool: poolOf(name as TroubleName) })),
    running: troublesNow()?.running ?? null,
  });
  app.get('/demo/troubles', answer);
  app.post<{ Params: { readonly name: string } }>('/demo/troubles/:name', async ({ params: { name } }, reply) => {
    const troubles = troublesNow();
    if (!Object.hasOwn(TROUBLES, name)) return await reply.code(404).send(answer());
    // It says itself when it is over; the page need not wait.
    if (troubles?.stage(name as TroubleName) === undefined) reply.code(409);
    return await reply.send(answer());
  });
}
