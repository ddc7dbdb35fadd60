import { expect, it } from 'vitest';
import { databaseUrl } from '../../src/demo/database-url.js';

const address = { host: '127.0.0.1', port: 3306, user: 'app@x', password: 'a:b/c?#%', database: 'da ta' };

it('the URL of a database can be read back, no matter what its credentials hold', () => {
  const url = new URL(databaseUrl(address));
  expect([url.protocol, url.host, url.search]).toEqual(['mysql:', '127.0.0.1:3306', '']);
  expect([url.username, url.password, url.pathname.slice(1)].map((part) => decodeURIComponent(part))).toEqual([
    address.user,
    address.password,
    address.database,
  ]);
});

it('the URL of a database takes other values, parameters and a scheme', () => {
  expect(
    databaseUrl(address, { host: '::1', user: 'u', password: 'p', database: 'd', parameters: { ssl: 'off', a: 'b c' } }, 'mariadb'),
  ).toBe('mariadb://u:p@[::1]:3306/d?ssl=off&a=b+c');
});
