/** Vendure's server, with its worker in the same process. */
import { bootstrap, JobQueueService } from '@vendure/core';
import { configOf } from './config.mjs';

const app = await bootstrap(configOf(false));
await app.get(JobQueueService).start();
console.log(`listening on ${await app.getUrl()}`);
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void app.close().then(() => process.exit(0)));
