/** Private certificates for tests and the demo, made by openssl. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireExecutable } from './find-executable.js';

const run = promisify(execFile);

const DAY_MS = 86_400_000;
const DEFAULT_VALIDITY_DAYS = 30;

/** ECDSA P-256: a key takes a millisecond to make, where RSA takes a second. */
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

/** What a certificate says. */
export interface CertificateRequest {
  /** The base of the file names: `<name>.pem` and `<name>.key`. */
  readonly name: string;
  readonly commonName: string;
  /** Subject alternative names: DNS names and IP addresses. None: a client certificate needs none. */
  readonly hosts?: readonly string[];
  /** Default: an hour ago, so that a clock that is a little late accepts it. */
  readonly notBefore?: Date;
  /** Default: in 30 days. May be in the past: the certificate has then expired. */
  readonly notAfter?: Date;
}

/** The files of a certificate and its key, in PEM. */
export interface CertificateFiles {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** A private certificate authority. */
export interface CertificateAuthority {
  /** The file of its own certificate, for clients to trust. */
  readonly certificatePath: string;
  /** The text of that file. */
  readonly certificate: string;
  /** Makes a key and a certificate for it, good for servers and for clients. Files of the same name are replaced. */
  issue(request: CertificateRequest): Promise<CertificateFiles>;
}

async function openssl(subcommand: string, flags: readonly string[], options: Readonly<Record<string, string>>): Promise<void> {
  const command = await requireExecutable('openssl', ['openssl']);
  const named = Object.entries(options).flatMap(([name, value]) => [`-${name}`, value]);
  try {
    await run(command, [subcommand, ...flags, ...named]);
  } catch (cause) {
    const stderr = (cause as { stderr?: string }).stderr ?? '';
    throw new Error(`openssl ${subcommand} failed: ${stderr.trim()}`, { cause });
  }
}

/** The values end up in a configuration file of openssl, where a line break or a `$` has a meaning. */
function plain(what: string, value: string): string {
  if (!/^[\w .:*-]+$/u.test(value))
    throw new Error(`A certificate's ${what} may hold letters, digits and " .:*_-" only, not ${JSON.stringify(value)}.`);
  return value;
}

function alternativeNames(hosts: readonly string[]): string {
  return hosts.map((host) => `${isIP(host) === 0 ? 'DNS' : 'IP'}:${plain('host', host)}`).join(',');
}

/** As openssl writes times: YYYYMMDDHHMMSSZ. */
function asn1Time(date: Date): string {
  return `${date.toISOString().replaceAll(/[-:T]/gu, '').slice(0, 14)}Z`;
}

type Kind = 'authority' | 'issued' | 'self-signed';

const EXTENSIONS: Readonly<Record<Kind, readonly string[]>> = {
  authority: ['basicConstraints = critical, CA:TRUE', 'keyUsage = critical, keyCertSign, cRLSign'],
  issued: [
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'extendedKeyUsage = serverAuth, clientAuth',
    'authorityKeyIdentifier = keyid:always',
  ],
  'self-signed': ['keyUsage = critical, digitalSignature', 'extendedKeyUsage = serverAuth, clientAuth'],
};

function requestConfiguration(request: CertificateRequest, kind: Kind): string {
  const hosts = request.hosts ?? [];
  return [
    '[req]',
    'prompt = no',
    'distinguished_name = name',
    '[name]',
    `CN = ${plain('common name', request.commonName)}`,
    '[extensions]',
    'subjectKeyIdentifier = hash',
    ...EXTENSIONS[kind],
    ...(hosts.length === 0 ? [] : [`subjectAltName = ${alternativeNames(hosts)}`]),
    '',
  ].join('\n');
}

/** Only `openssl ca` takes exact dates in every version in use (`openssl x509` learned them in 3.4), and it wants a database. */
function signingConfiguration(databasePath: string): string {
  return [
    '[ca]',
    'default_ca = authority',
    '[authority]',
    `database = ${databasePath}`,
    'rand_serial = yes',
    'unique_subject = no',
    'default_md = sha256',
    'policy = policy',
    '[policy]',
    'commonName = supplied',
    '',
  ].join('\n');
}

function filesOf(folder: string, name: string): CertificateFiles {
  return { certificatePath: join(folder, `${plain('name', name)}.pem`), keyPath: join(folder, `${name}.key`) };
}

async function withWorkFolder<T>(folder: string, work: (workFolder: string) => Promise<T>): Promise<T> {
  const workFolder = join(folder, `.openssl-${randomUUID()}`);
  await mkdir(workFolder, { recursive: true, mode: 0o700 });
  try {
    return await work(workFolder);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

async function selfSign(folder: string, request: CertificateRequest, kind: Kind): Promise<CertificateFiles> {
  const files = filesOf(folder, request.name);
  const notAfter = request.notAfter ?? new Date(Date.now() + DEFAULT_VALIDITY_DAYS * DAY_MS);
  const days = Math.ceil((notAfter.getTime() - Date.now()) / DAY_MS);
  if (days < 1 || request.notBefore !== undefined)
    throw new Error('A self-signed certificate is valid from now on; let an authority issue other dates.');
  await withWorkFolder(folder, async (workFolder) => {
    const config = join(workFolder, 'request.cnf');
    await writeFile(config, requestConfiguration(request, kind));
    await openssl('req', ['-x509', ...NEW_KEY], {
      config,
      extensions: 'extensions',
      days: String(days),
      keyout: files.keyPath,
      out: files.certificatePath,
    });
  });
  return files;
}

async function issue(folder: string, authority: CertificateFiles, request: CertificateRequest): Promise<CertificateFiles> {
  const files = filesOf(folder, request.name);
  const notBefore = request.notBefore ?? new Date(Date.now() - 3_600_000);
  const notAfter = request.notAfter ?? new Date(Date.now() + DEFAULT_VALIDITY_DAYS * DAY_MS);
  if (notAfter <= notBefore)
    throw new Error(`A certificate's end ${notAfter.toISOString()} must be after its start ${notBefore.toISOString()}.`);
  await withWorkFolder(folder, async (workFolder) => {
    const at = (name: string): string => join(workFolder, name);
    await writeFile(at('request.cnf'), requestConfiguration(request, 'issued'));
    await writeFile(at('signing.cnf'), signingConfiguration(at('database')));
    await writeFile(at('database'), '');
    await openssl('req', ['-new', ...NEW_KEY], { config: at('request.cnf'), keyout: files.keyPath, out: at('request.pem') });
    await openssl('ca', ['-batch', '-notext'], {
      config: at('signing.cnf'),
      cert: authority.certificatePath,
      keyfile: authority.keyPath,
      extfile: at('request.cnf'),
      extensions: 'extensions',
      startdate: asn1Time(notBefore),
      enddate: asn1Time(notAfter),
      outdir: workFolder,
      in: at('request.pem'),
      out: files.certificatePath,
    });
  });
  return files;
}

/**
 * Makes a private certificate authority. Only clients that are given its certificate trust it.
 *
 * @param folder - Where its certificate, its key and the certificates it issues are written; made when missing.
 * @throws Error when `openssl` is not installed, with the name of the package.
 *
 * @example
 * const authority = await createCertificateAuthority(folder);
 * const { certificatePath, keyPath } = await authority.issue({ name: 'server', commonName: 'localhost', hosts: ['localhost', '127.0.0.1'] });
 */
export async function createCertificateAuthority(folder: string): Promise<CertificateAuthority> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // A name of its own: an authority with another's name but not its key gives misleading errors.
  const commonName = `Poolwright private authority ${randomUUID().slice(0, 8)}`;
  const files = await selfSign(folder, { name: 'ca', commonName }, 'authority');
  return {
    certificatePath: files.certificatePath,
    certificate: await readFile(files.certificatePath, 'utf8'),
    issue: (request) => issue(folder, files, request),
  };
}

/**
 * Makes a certificate that no authority has signed. It is valid from now on, for whole days.
 *
 * @param folder - Where the files are written; made when missing.
 */
export async function createSelfSignedCertificate(folder: string, request: CertificateRequest): Promise<CertificateFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return await selfSign(folder, request, 'self-signed');
}
