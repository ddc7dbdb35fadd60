/** Vendure's server. The worker, which is a process of its own in Vendure, is not needed here. */
import { bootstrap } from '@vendure/core';
import { configOf } from './shop-config.mjs';

const app = await bootstrap(configOf(false));
console.log(`listening on ${await app.getUrl()}`);
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void app.close().then(() => process.exit(0)));
