/** Steps tls and certificate: a TLS handshake as the pool would make it, and a look at the certificate. */

import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect, type ConnectionOptions, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { codeOf, messageOf } from '../../engine/index.js';
import { isLoopback, type ResolvedOptions } from '../../mysql/index.js';
import { CannotContinue, type Finding, type FindingStatus } from './finding.js';
import type { Greeting } from './greeting.js';

type Report = (finding: Finding) => void;

const DAY_MS = 86_400_000;
/** Two weeks: long enough to renew, and shorter than what is left of a certificate that renews itself (90 days, renewed at 60). */
const EXPIRES_SOON_DAYS = 14;

/**
 * Tries the TLS that the pool would use, on a connection that the server has greeted on, and looks at the certificate closely: the pool's
 * own error names only the first of its faults.
 *
 * @throws CannotContinue when the pool could not connect either: a password is not sent over a connection that is not what was asked for
 */
export async function examineTls(
  socket: Socket,
  { endpoint, tls }: ResolvedOptions,
  greeting: Greeting,
  timeoutMs: number,
  report: Report,
): Promise<void> {
  try {
    if (tls.mode === 'off') return plaintext(endpoint, greeting, report);
    if (!greeting.offersTls) {
      report({
        step: 'tls',
        status: 'fail',
        message: `the server offers only plaintext, but the options require TLS (${tls.mode})`,
        advice:
          'Give the server a certificate (ssl_cert, ssl_key; MySQL 8 and MariaDB 11.4 create one by themselves). On a private network, ?ssl=false accepts plaintext.',
      });
      throw new CannotContinue();
    }
    const secure = await handshake(socket, endpoint.host, tls.ssl ?? {}, timeoutMs, report);
    report({ step: 'tls', status: 'ok', message: `${secure.getProtocol() ?? 'unknown version'}, ${secure.getCipher().name}` });
    if (!judge(secure, endpoint.host, tls.mode === 'verified', report)) throw new CannotContinue();
  } finally {
    socket.destroy();
  }
}

function plaintext({ host, socketPath }: ResolvedOptions['endpoint'], { offersTls }: Greeting, report: Report): void {
  if (socketPath !== undefined || isLoopback(host)) {
    report({ step: 'tls', status: 'ok', message: 'off: the data does not leave this machine' });
    return;
  }
  report({
    step: 'tls',
    status: 'warn',
    message: `off, over a network${offersTls ? ', although the server offers TLS' : ''}`,
    advice:
      'Any machine on the way can read and change everything. Remove ssl (verified TLS is the default), or set the CA with ?sslca=path.',
  });
}

/** Asks for TLS as a client of the protocol does: a short login packet with the flag set, then the handshake. */
async function handshake(socket: Socket, host: string, ssl: object, timeoutMs: number, report: Report): Promise<TLSSocket> {
  socket.write(sslRequest());
  const options: ConnectionOptions = {
    ...(ssl as ConnectionOptions),
    socket,
    // It is judged here, fault by fault.
    rejectUnauthorized: false,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
  try {
    const secure = connect(options);
    secure.on('error', () => undefined);
    await once(secure, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) });
    return secure;
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'AbortError';
    const message = timedOut
      ? `the TLS handshake did not end within ${timeoutMs} ms`
      : `the TLS handshake failed: ${messageOf(error)} (${codeOf(error)})`;
    report({
      step: 'tls',
      status: 'fail',
      message,
      advice: "The pool requires TLS 1.2 or later. Check what the server offers: SHOW VARIABLES LIKE 'tls_version'.",
    });
    throw new CannotContinue();
  }
}

/** CLIENT_LONG_PASSWORD, CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION, CLIENT_PLUGIN_AUTH. */
const SSL_REQUEST_FLAGS = 0x1 | 0x200 | 0x800 | 0x8000 | 0x80000;
const UTF8MB4 = 45;

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_ssl_request.html */
function sslRequest(): Buffer {
  const packet = Buffer.alloc(36);
  packet.writeUIntLE(32, 0, 3);
  packet[3] = 1;
  packet.writeUInt32LE(SSL_REQUEST_FLAGS, 4);
  packet.writeUInt32LE(0xff_ff_ff, 8);
  packet[12] = UTF8MB4;
  return packet;
}

/** Returns whether the pool would connect. */
function judge(secure: TLSSocket, host: string, mustVerify: boolean, report: Report): boolean {
  const certificate = secure.getPeerCertificate(true);
  const faults = faultsOf(secure, certificate, host);
  const status: FindingStatus = mustVerify ? 'fail' : 'warn';
  for (const { message, advice } of faults) report({ step: 'certificate', status, message, advice });
  const daysLeft = (Date.parse(certificate.valid_to) - Date.now()) / DAY_MS;
  if (daysLeft > 0 && daysLeft < EXPIRES_SOON_DAYS) {
    report({
      step: 'certificate',
      status: 'warn',
      message: `the certificate expires in ${Math.ceil(daysLeft)} days, on ${certificate.valid_to}`,
      advice:
        'Renew it. After the server has the new one (ALTER INSTANCE RELOAD TLS, on MariaDB FLUSH SSL), pool.evict() replaces every connection.',
    });
  }
  if (faults.length === 0) {
    report({
      step: 'certificate',
      status: 'ok',
      message: `trusted, for ${host}; chain: ${chainOf(certificate)}; valid until ${certificate.valid_to}`,
    });
  } else if (!mustVerify) {
    report({
      step: 'tls',
      status: 'warn',
      message: 'encrypted, but not verified: an attacker who redirects the connection can read it',
      advice: 'Ask for ssl-mode=VERIFY_IDENTITY, with the CA in ?sslca=path if it is private.',
    });
  }
  return faults.length === 0 || !mustVerify;
}

interface Fault {
  readonly message: string;
  readonly advice: string;
}

function faultsOf(secure: TLSSocket, certificate: DetailedPeerCertificate, host: string): Fault[] {
  const faults: Fault[] = [];
  const expired = Date.parse(certificate.valid_to) < Date.now();
  const early = Date.parse(certificate.valid_from) > Date.now();
  if (expired) {
    faults.push({
      message: `the certificate has expired, on ${certificate.valid_to}`,
      advice: 'Renew it on the server, then ALTER INSTANCE RELOAD TLS (on MariaDB FLUSH SSL).',
    });
  }
  if (early) {
    faults.push({
      message: `the certificate is not valid before ${certificate.valid_from}`,
      advice: 'Compare the clocks of both machines. The clock of the machine that made the certificate may be ahead.',
    });
  }
  const chain = chainFault(secure);
  if (chain !== undefined && !(expired || early)) {
    faults.push({
      message: `the certificate is not trusted: ${chain}; chain: ${chainOf(certificate)}`,
      advice: "Set the CA that signed it: ?sslca=/path/to/ca.pem, or ssl: { ca }. For Amazon RDS: ssl: 'Amazon RDS'.",
    });
  }
  const identity = checkServerIdentity(host, certificate);
  if (identity !== undefined) {
    faults.push({
      message: `the certificate is not valid for ${host}: it names ${certificate.subjectaltname ?? String(certificate.subject.CN)}`,
      advice:
        'Connect by a name in the certificate, or get a certificate that names this host. If the names are unfamiliar, another server answers.',
    });
  }
  return faults;
}

/** In OpenSSL's words; `undefined` when it is trusted. */
function chainFault({ authorizationError }: TLSSocket): string | undefined {
  // Node puts the code there, although its types say Error. The fault of the host name, which is judged on its own, is there too.
  const code = authorizationError === null || authorizationError === undefined ? undefined : codeOfFault(authorizationError);
  return code === undefined || code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? undefined : (CHAIN_WORDS[code] ?? code);
}

function codeOfFault(fault: unknown): string {
  return typeof fault === 'string' ? fault : codeOf(fault);
}

const CHAIN_WORDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'this machine does not trust its authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'this machine does not trust its authority, or the server does not send the intermediate certificates',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'this machine does not trust its authority',
  UNABLE_TO_GET_ISSUER_CERT: 'this machine does not trust its authority',
};

/** From the server's certificate to the last that it sent, or that is known. */
function chainOf(certificate: DetailedPeerCertificate): string {
  const names: string[] = [];
  for (let one: DetailedPeerCertificate | undefined = certificate; one !== undefined && names.length < 6; one = one.issuerCertificate) {
    const name = String(one.subject?.CN ?? one.subject?.O ?? 'unnamed');
    if (names.at(-1) === name) break;
    names.push(name);
  }
  return names.join(' ← ');
}
