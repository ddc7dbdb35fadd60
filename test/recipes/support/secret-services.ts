/** Local servers that answer as services for secrets do, as far as the recipes ask them. */

import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { listen } from '../../support/network/listen.js';

export interface Service extends AsyncDisposable {
  readonly port: number;
  /** How often it was asked. */
  readonly asked: number;
}

interface Reply {
  readonly status?: number;
  readonly body: object;
}

/** @param answer gets the request and its body */
async function openService(answer: (request: IncomingMessage, body: string) => Reply | Promise<Reply>): Promise<Service> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    const reply = async (): Promise<void> => {
      const { status = 200, body } = await answer(request, Buffer.concat(chunks).toString());
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    request.on('end', () => void reply());
  });
  const port = await listen(server);
  return {
    port,
    get asked() {
      return asked;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** AWS Secrets Manager: GetSecretValue (its API reference). Signatures are not checked. */
export function openSecretsManager(secretOf: (id: string) => object | undefined): Promise<Service> {
  return openService((request, body) => {
    if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue')
      return { status: 400, body: { __type: 'UnknownOperationException' } };
    const { SecretId } = JSON.parse(body) as { readonly SecretId: string };
    const secret = secretOf(SecretId);
    if (secret === undefined) return { status: 400, body: { __type: 'ResourceNotFoundException' } };
    return {
      body: {
        ARN: `arn:aws:secretsmanager:eu-central-1:1:secret:${SecretId}`,
        Name: SecretId,
        SecretString: JSON.stringify(secret),
        VersionStages: ['AWSCURRENT'],
      },
    };
  });
}

/** HashiCorp Vault's database engine: GET /v1/database/creds/:role (its API documentation). */
export function openVault(
  token: string,
  make: (role: string) => Promise<{ readonly username: string; readonly password: string }>,
  leaseSeconds: number,
): Promise<Service> {
  return openService(async ({ url = '', headers }) => {
    if (headers['x-vault-token'] !== token) return { status: 403, body: { errors: ['permission denied'] } };
    const role = /^\/v1\/database\/creds\/(\w+)$/u.exec(url)?.[1];
    if (role === undefined) return { status: 404, body: { errors: [] } };
    const data = await make(role);
    return { body: { lease_id: `database/creds/${role}/${data.username}`, lease_duration: leaseSeconds, renewable: true, data } };
  });
}

/** Google's metadata server: tokens of the default service account ("Authenticate workloads to Google APIs using service accounts"). */
export function openMetadataServer(tokenNow: () => string): Promise<Service> {
  return openService(({ url, headers }) => {
    if (headers['metadata-flavor'] !== 'Google') return { status: 403, body: { error: 'Metadata-Flavor' } };
    if (url !== '/computeMetadata/v1/instance/service-accounts/default/token') return { status: 404, body: {} };
    return { body: { access_token: tokenNow(), expires_in: 3_599, token_type: 'Bearer' } };
  });
}

/** Whether a token is what AWS's signer makes for this user and host with these keys: a request signed in its query (AWS Signature Version 4). */
export function isIamToken(
  token: string,
  { user, host, secretKey }: { readonly user: string; readonly host: string; readonly secretKey: string },
): boolean {
  const url = new URL(`http://${token}`);
  const signature = url.searchParams.get('X-Amz-Signature');
  url.searchParams.delete('X-Amz-Signature');
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .toSorted()
    .join('&');
  const date = url.searchParams.get('X-Amz-Date') ?? '';
  const scope = (url.searchParams.get('X-Amz-Credential') ?? '').split('/').slice(1);
  const canonical = ['GET', '/', query, `host:${host}`, '', 'host', hash('')].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), hash(canonical)].join('\n');
  const key = scope.reduce<string | Buffer>((secret, part) => createHmac('sha256', secret).update(part).digest(), `AWS4${secretKey}`);
  const madeAt = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/u, '$1-$2-$3:$4:$5'));
  const isFresh =
    madeAt + Number(url.searchParams.get('X-Amz-Expires')) * 1_000 > Date.now() && Number(url.searchParams.get('X-Amz-Expires')) <= 900;
  const asks = url.host === host && url.searchParams.get('Action') === 'connect' && url.searchParams.get('DBUser') === user;
  return asks && isFresh && createHmac('sha256', key).update(text).digest('hex') === signature;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
