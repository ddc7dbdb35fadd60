import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/demo/certificates.js';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';
import { read } from '../docs/table-in.js';
import { createProject, type Project, type Running } from '../mirrors/support/project.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { waitFor } from '../support/wait-for.js';
import { isIamToken, openMetadataServer, openSecretsManager, openVault } from './support/secret-services.js';
import { openTokenDoor, type TokenDoor } from './support/token-door.js';

/** The programs of docs/credentials.md, each under its heading. */
const PROGRAMS: ReadonlyMap<string, string> = new Map(
  read('docs/credentials.md')
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), /^```ts\n([\s\S]*?)^```$/m.exec(section)?.[1] ?? '']),
);

/** Eight callers without a break, until SIGTERM; SIGUSR2 replaces the connections, as maxLifetime would. */
const SERVING = `
const outcomes = { served: 0, failed: [] };
let running = true;
process.once('SIGTERM', () => { running = false; });
process.on('SIGUSR2', () => pool.evict());
const caller = async () => {
  while (running) {
    await pool.query('SELECT SLEEP(0.005)').then(() => { outcomes.served += 1; }, (error) => outcomes.failed.push(String(error)));
  }
};
await Promise.all(Array.from({ length: 8 }, caller));
const { opened, connectErrors } = pool.stats();
console.log(JSON.stringify({ ...outcomes, opened, connectErrors }));
await pool.end();`;

/** Eight connections at once, and who they are. */
const ONCE = `
await Promise.all(Array.from({ length: 8 }, () => pool.query('SELECT SLEEP(0.2)')));
const [[row]] = await pool.query('SELECT CURRENT_USER() AS user');
console.log(JSON.stringify({ ...row, opened: pool.stats().opened >= 8, tls: pool.options.tls }));
await pool.end();`;

/** What a login came to. */
const REFUSED = `console.log((await pool.query('SELECT 1').catch((error) => error)).message); await pool.end();`;

const folder = createTemporaryFolder('poolwright-credentials');
let project: Project;
let database: TestDatabase;
let authority: CertificateAuthority;
let certificate: { readonly cert: Buffer; readonly key: Buffer };

beforeAll(async () => {
  project = await createProject();
  for (const name of ['@aws-sdk/rds-signer', '@aws-sdk/client-secrets-manager']) await project.install(name);
  database = await createDatabase();
  authority = await createCertificateAuthority(join(folder.path, 'authority'));
  const { certificatePath, keyPath } = await authority.issue({ name: 'door', commonName: 'localhost', hosts: ['127.0.0.1'] });
  certificate = { cert: await readFile(certificatePath), key: await readFile(keyPath) };
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
  await folder.remove();
});

async function written(heading: string, addition: string, change = (program: string): string => program): Promise<string> {
  const program = PROGRAMS.get(heading);
  if (program === undefined || program === '') throw new Error(`docs/credentials.md has no program under "${heading}".`);
  // The name of the database of the test is not the shop's.
  const text = change(program).replace("database: 'shop'", `database: '${database.database}'`);
  const { code } = await transform(`${text}\n${addition}`, { loader: 'ts', format: 'esm', target: 'node20' });
  const file = `${heading.toLowerCase().replaceAll(/\W+/g, '-')}-${addition.length}.mjs`;
  await project.write(file, code);
  return file;
}

async function outputOf(file: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const { code, stdout, stderr } = await project.run(file, { environment });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** A program that serves, whose connections a test replaces. */
class Service {
  constructor(private readonly running: Running) {}

  async connectedAs(user: string | undefined): Promise<void> {
    await waitFor(`${user} to be connected`, async () => (await database.processlist(user)).length > 0);
  }

  async gone(user: string | undefined): Promise<void> {
    await waitFor(`${user} to be connected no more`, async () => (await database.processlist(user)).length === 0);
  }

  replaceConnections(): void {
    this.running.kill('SIGUSR2');
  }

  async outcome(): Promise<{ served: number; failed: string[]; opened: number; connectErrors: number }> {
    this.running.kill('SIGTERM');
    const { code, stdout, stderr } = await this.running.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  }
}

/** What the SDK of AWS finds in the environment. It warns of Node 20. */
const AWS = {
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'example',
  AWS_REGION: 'eu-central-1',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

/** The address of the database, without a user and a password. */
const address = (): string => `mysql://${database.host}:${database.port}/${database.database}`;

describe('the recipe for AWS IAM tokens', () => {
  const environmentOf = ({ port }: TokenDoor) => ({ ...AWS, RDS_HOST: '127.0.0.1', RDS_PORT: String(port) });
  const withCa = (ca: string) => (program: string) => program.replace("ssl: 'Amazon RDS'", `ssl: { ca: ${JSON.stringify(ca)} }`);
  const open = async (): Promise<TokenDoor> => {
    const door: TokenDoor = await openTokenDoor(database, certificate, ({ user, token }) =>
      isIamToken(token, { user, host: `127.0.0.1:${door.port}`, secretKey: AWS.AWS_SECRET_ACCESS_KEY }),
    );
    return door;
  };

  it('logs in eight connections with one token, which is signed and shown over verified TLS only', async () => {
    await using door = await open();
    const file = await written('AWS: IAM tokens', ONCE, withCa(authority.certificate));
    expect(JSON.parse(await outputOf(file, environmentOf(door)))).toEqual({ user: `${database.user}@%`, opened: true, tls: 'verified' });
    expect(new Set(door.shown.map(({ token }) => token)).size).toBe(1);
    expect(door.shown[0]).toMatchObject({ user: 'app', token: expect.stringMatching(/^127\.0\.0\.1:\d+\/\?.*X-Amz-Expires=900/u) });
    expect([door.shown.length >= 8, door.plaintext]).toEqual([true, 0]);
  });

  it('shows no token to a server with a certificate that it does not know', async () => {
    await using door = await open();
    const stranger = await createCertificateAuthority(join(folder.path, 'stranger'));
    const file = await written('AWS: IAM tokens', REFUSED, withCa(stranger.certificate));
    expect(await outputOf(file, environmentOf(door))).toMatch(/certificate/u);
    expect([door.shown, door.plaintext]).toEqual([[], 0]);
  });
});

describe('the recipe for Google Cloud SQL', () => {
  it('logs in with an access token, and asks the metadata server once', async () => {
    await using metadata = await openMetadataServer(() => 'ya29.example');
    await using door = await openTokenDoor(database, certificate, ({ user, token }) => user === 'shop-backend' && token === 'ya29.example');
    const environment = {
      GCE_METADATA_HOST: `127.0.0.1:${metadata.port}`,
      CLOUD_SQL_PORT: String(door.port),
      CLOUD_SQL_CA: authority.certificatePath,
    };
    const file = await written('Google Cloud SQL: IAM', ONCE);
    expect(JSON.parse(await outputOf(file, environment))).toEqual({ user: `${database.user}@%`, opened: true, tls: 'verified' });
    expect([metadata.asked, door.shown.length >= 8]).toEqual([1, true]);
  });
});

describe('the recipe for Secrets Manager', () => {
  it('fails no caller while the secret alternates three times between two users, and asks once for each', async () => {
    const users = [0, 1].map((which) => `${database.user}_${which}`);
    for (const user of users) {
      await database.admin(`CREATE USER '${user}'@'%' IDENTIFIED BY 'none yet'`);
      await database.admin(`GRANT SELECT ON ${database.database}.* TO '${user}'@'%'`);
    }
    let secret: { readonly username: string; readonly password: string } | undefined;
    const rotate = async (round: number): Promise<void> => {
      const username = users[round % 2] as string;
      const password = `rotated-${round}`;
      await database.admin(`ALTER USER '${username}'@'%' IDENTIFIED BY '${password}'`);
      secret = { username, password };
    };
    await rotate(0);
    await using service = await openSecretsManager((id) => (id === 'shop/database' ? secret : undefined));
    const environment = { ...AWS, DATABASE_URL: address(), AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${service.port}` };
    const program = new Service(project.start(await written('AWS: Secrets Manager', SERVING), { environment }));
    await program.connectedAs(users[0]);
    for (let round = 1; round <= 3; round += 1) {
      await rotate(round);
      program.replaceConnections();
      await program.connectedAs(users[round % 2]);
      await program.gone(users[(round + 1) % 2]);
    }
    const { served, failed, opened, connectErrors } = await program.outcome();
    for (const user of users) await database.admin(`DROP USER '${user}'@'%'`);
    console.log(`Secrets Manager: ${served} served, ${failed.length} failed, ${opened} opened, ${service.asked} questions`);
    expect({ failed, connectErrors }).toEqual({ failed: [], connectErrors: 0 });
    expect([service.asked, served > 0, opened > 3]).toEqual([4, true, true]);
  });
});

describe('the recipe for Vault', () => {
  it('fails no caller while users come and go with their leases', async () => {
    const users: string[] = [];
    await using vault = await openVault(
      'hvs.example',
      async (role) => {
        const username = `v-${role}-${users.length}-${database.user}`.slice(0, 32);
        const password = `of-${username}`;
        await database.admin(`CREATE USER '${username}'@'%' IDENTIFIED BY '${password}'`);
        await database.admin(`GRANT SELECT ON ${database.database}.* TO '${username}'@'%'`);
        users.push(username);
        return { username, password };
      },
      3_600,
    );
    const environment = { DATABASE_URL: address(), VAULT_ADDR: `http://127.0.0.1:${vault.port}`, VAULT_TOKEN: 'hvs.example' };
    const program = new Service(project.start(await written('HashiCorp Vault: the database engine', SERVING), { environment }));
    await waitFor('the first user', () => users.length === 1);
    await program.connectedAs(users[0]);
    for (let lease = 1; lease <= 3; lease += 1) {
      const ending = users.at(-1) as string;
      program.replaceConnections();
      await waitFor('the next user', () => users.length === lease + 1);
      await program.connectedAs(users.at(-1));
      await program.gone(ending);
      await database.admin(`DROP USER '${ending}'@'%'`);
    }
    const { served, failed, opened, connectErrors } = await program.outcome();
    await database.admin(`DROP USER '${users.at(-1)}'@'%'`);
    console.log(`Vault: ${served} served, ${failed.length} failed, ${opened} opened, ${vault.asked} leases`);
    expect({ failed, connectErrors }).toEqual({ failed: [], connectErrors: 0 });
    expect([vault.asked, served > 0]).toEqual([4, true]);
  });
});

it('every program of the page is tried', async () => {
  const tested = await readFile(new URL(import.meta.url), 'utf8');
  expect([...PROGRAMS.keys()].filter((heading) => !tested.includes(`written('${heading}'`))).toEqual([]);
});
