/** Makes the tables of a Vendure shop, and puts eight products into them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { bootstrap } from '@vendure/core';
import { populate } from '@vendure/core/cli/index.js';
import { configOf, SHOP } from './shop-config.mjs';

const COLUMNS =
  'name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets';
const products = Array.from(
  { length: 8 },
  (_, index) => `Thing ${index},thing-${index},,,,,,T${index},${index + 1}.00,standard,1000000,false,,`,
);
const file = join(tmpdir(), `vendure-products-${process.pid}.csv`);
await writeFile(file, `${[COLUMNS, ...products].join('\n')}\n`);
const app = await populate(() => bootstrap(configOf(true)), SHOP, file);
await app.close();
process.exit(0);
