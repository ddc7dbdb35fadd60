import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// tsc leaves what it made of sources that are gone.
rmSync(fileURLToPath(new URL('../dist', import.meta.url)), { recursive: true, force: true });
