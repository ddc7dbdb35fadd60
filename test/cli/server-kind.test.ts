import { describe, expect, it } from 'vitest';
import { readGrants } from '../../src/cli/doctor/grants.js';
import { kindOf } from '../../src/cli/doctor/server-kind.js';

describe('the kind of a server', () => {
  // As the servers' manuals and sources have these texts; MariaDB, MySQL and MySQL Router are here to be asked.
  it.each([
    ['8.4.3', '8.4.3', 'MySQL Community Server - GPL', undefined, 'MySQL'],
    ['5.5.5-10.11.6-MariaDB', '10.11.6-MariaDB', 'Debian 12', undefined, 'MariaDB'],
    ['8.0.11-TiDB-v8.5.0', '8.0.11-TiDB-v8.5.0', 'TiDB Server (Apache License 2.0)', undefined, 'TiDB'],
    ['8.0.39', '8.0.39', 'Source distribution', '3.08.0', 'Aurora MySQL'],
    ['8.0.30', '8.0.39', '(ProxySQL)', undefined, 'ProxySQL'],
    ['8.0.30-Vitess', '8.0.30-Vitess', 'Version: 21.0.0', undefined, 'Vitess'],
    ['8.0.23-PlanetScale', '8.0.23-PlanetScale', 'PlanetScale', undefined, 'PlanetScale'],
    ['10.11.6 23.08.2-maxscale', '10.11.6-MariaDB', 'mariadb.org', undefined, 'MaxScale'],
    ['9.7.4-router', '9.7.4', 'MySQL Community Server - GPL', undefined, 'MySQL Router'],
    ['8.0.30', '8.0.30', '(ProxySQL Admin Module)', undefined, "ProxySQL's admin interface"],
  ])('is recognized by what it says of itself: %s, %s, %s', (greeting, version, versionComment, auroraVersion, kind) => {
    const found = kindOf({ greeting, version, versionComment, auroraVersion });
    expect(found.kind).toBe(kind);
    expect(found.takes === undefined).toBe(!found.isProxy);
  });
});

describe('RDS Proxy', () => {
  const server = { greeting: '8.0.39', version: '8.0.39', versionComment: 'Source distribution' };

  it('is recognized by the name of its endpoint, which AWS gives', () => {
    expect(kindOf({ ...server, host: 'shop.proxy-abc123xyz.eu-central-1.rds.amazonaws.com' }).kind).toBe('RDS Proxy');
    expect(kindOf({ ...server, host: 'shop.abc123xyz.eu-central-1.rds.amazonaws.com' }).kind).toBe('MySQL');
  });
});

describe('the rights of an account', () => {
  const usage = "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9'";

  it('are summed up without the hash of its password', () => {
    const verdict = readGrants([usage, 'GRANT SELECT, INSERT ON `shop`.* TO `app`@`%`'], 'shop');
    expect(verdict).toEqual({ summary: 'SELECT, INSERT on shop.*', usable: true, isSuper: false });
  });

  it.each([
    [[usage], false],
    [['GRANT SELECT ON `other`.* TO `app`@`%`'], false],
    [['GRANT SELECT ON `sho_`.* TO `app`@`%`'], true],
    [['GRANT SELECT ON `s%`.* TO `app`@`%`'], true],
    [['GRANT SELECT ON `my\\_shop`.* TO `app`@`%`'], false],
    [['GRANT SELECT ON `shop`.`orders` TO `app`@`%`'], true],
    [['GRANT `reader`@`%` TO `app`@`%`'], true],
    [['GRANT SELECT ON *.* TO `app`@`%`'], true],
  ])('cover the database or not: %j', (lines, usable) => {
    expect(readGrants(lines, 'shop').usable).toBe(usable);
  });

  it.each([
    ['GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION', true],
    ['GRANT SELECT, SUPER ON *.* TO `ops`@`%`', true],
    ['GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`', false],
  ])("are an administrator's or not: %s", (line, isSuper) => {
    expect(readGrants([line], 'shop').isSuper).toBe(isSuper);
  });
});
