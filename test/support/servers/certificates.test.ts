import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type CertificateFiles, createCertificateAuthority, createSelfSignedCertificate } from '../../../src/demo/certificates.js';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { freePort } from '../network/free-port.js';

const DAY_MS = 86_400_000;

/** Connects to a TLS server with this certificate; resolves with the protocol, rejects as `tls.connect` does. */
async function handshake(server: CertificateFiles, client: { ca: string; host?: string; servername?: string }): Promise<string | null> {
  const listener = createServer({ cert: await readFile(server.certificatePath), key: await readFile(server.keyPath) });
  listener.on('tlsClientError', () => undefined);
  const port = await freePort(client.host);
  listener.listen(port, client.host ?? '127.0.0.1');
  await once(listener, 'listening');
  const socket = connect({ host: '127.0.0.1', port, ...client });
  try {
    await once(socket, 'secureConnect');
    return socket.getProtocol();
  } finally {
    socket.destroy();
    listener.close();
  }
}

describe('a certificate authority', () => {
  it('issues certificates that clients verify by address and by name', async () => {
    await using folder = createTemporaryFolder('poolwright-test');
    const authority = await createCertificateAuthority(folder.path);
    const server = await authority.issue({ name: 'server', commonName: 'localhost', hosts: ['localhost', '127.0.0.1', '::1'] });
    const ca = authority.certificate;

    await expect(handshake(server, { ca })).resolves.toBe('TLSv1.3');
    await expect(handshake(server, { ca, host: '::1' })).resolves.toBe('TLSv1.3');
    await expect(handshake(server, { ca, servername: 'localhost' })).resolves.toBe('TLSv1.3');
    await expect(handshake(server, { ca, servername: 'database.example' })).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('issues certificates that have expired, and clients refuse them', async () => {
    await using folder = createTemporaryFolder('poolwright-test');
    const authority = await createCertificateAuthority(folder.path);
    const notBefore = new Date(Date.now() - 10 * DAY_MS);
    const notAfter = new Date(Date.now() - 1_000);
    const server = await authority.issue({ name: 'expired', commonName: 'localhost', hosts: ['127.0.0.1'], notBefore, notAfter });

    const { validTo } = new X509Certificate(await readFile(server.certificatePath));
    expect(Math.abs(new Date(validTo).getTime() - notAfter.getTime())).toBeLessThan(1_000);
    await expect(handshake(server, { ca: authority.certificate })).rejects.toMatchObject({ code: 'CERT_HAS_EXPIRED' });
  });

  it('issues certificates that are not valid yet, and clients refuse them', async () => {
    await using folder = createTemporaryFolder('poolwright-test');
    const authority = await createCertificateAuthority(folder.path);
    const notBefore = new Date(Date.now() + DAY_MS);
    const server = await authority.issue({ name: 'early', commonName: 'localhost', hosts: ['127.0.0.1'], notBefore });

    await expect(handshake(server, { ca: authority.certificate })).rejects.toMatchObject({ code: 'CERT_NOT_YET_VALID' });
  });

  it('is not trusted in the place of another', async () => {
    await using folder = createTemporaryFolder('poolwright-test');
    const authority = await createCertificateAuthority(`${folder.path}/one`);
    const other = await createCertificateAuthority(`${folder.path}/other`);
    const server = await authority.issue({ name: 'server', commonName: 'localhost', hosts: ['127.0.0.1'] });

    await expect(handshake(server, { ca: other.certificate })).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  it('issues many certificates at once and keeps nothing but certificates and keys that only this user reads', async () => {
    await using folder = createTemporaryFolder('poolwright-test');
    const authority = await createCertificateAuthority(folder.path);
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];

    await Promise.all(names.map((name) => authority.issue({ name, commonName: name })));

    const files = await readdir(folder.path);
    expect(files.toSorted()).toEqual(['ca', ...names].flatMap((name) => [`${name}.key`, `${name}.pem`]).toSorted());
    expect((await stat(`${folder.path}/a.key`)).mode & 0o077).toBe(0);
  });

  it('refuses names that would mean something in the configuration of openssl', async () => {
    await using folder = createTemporaryFolder('poolwright-test');
    const authority = await createCertificateAuthority(folder.path);

    await expect(authority.issue({ name: 'x', commonName: 'a\nb' })).rejects.toThrow('common name');
    await expect(authority.issue({ name: 'x', commonName: 'x', hosts: ['localhost,email:a'] })).rejects.toThrow('host');
    await expect(authority.issue({ name: '../x', commonName: 'x' })).rejects.toThrow('name');
  });
});

describe('a self-signed certificate', () => {
  it('is refused by clients that know only an authority', async () => {
    await using folder = createTemporaryFolder('poolwright-test');
    const authority = await createCertificateAuthority(`${folder.path}/ca`);
    const server = await createSelfSignedCertificate(folder.path, { name: 'self', commonName: 'localhost', hosts: ['127.0.0.1'] });

    await expect(handshake(server, { ca: authority.certificate })).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await expect(handshake(server, { ca: await readFile(server.certificatePath, 'utf8') })).resolves.toBe('TLSv1.3');
  });
});

describe('a temporary folder', () => {
  it('is gone with all that is in it after it is disposed of', async () => {
    let path: string;
    {
      await using folder = createTemporaryFolder('poolwright-test');
      path = folder.path;
      await createCertificateAuthority(`${path}/deep/down`);
    }
    await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
