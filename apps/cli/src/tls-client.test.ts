import {
  issueForServer,
  type KeyedCertificate,
  makeCa,
  type Validity,
} from '@podctl/platform/authority/certificates.ts';
import { Role } from '@podctl/proto/podctl/v1/access.ts';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cleanUpSecure, secureApi } from '../../../test/support/secure-api.ts';
import {
  type FixedCoordinator,
  type Guard,
  startFixedCoordinator,
} from '../test/fixed-coordinator.ts';
import { CoordinatorClient } from './client.ts';
import { EXIT } from './command-error.ts';

const DAY_MS = 86_400_000;
const TOKEN = `pu1.ada.${'a'.repeat(32)}`;
const nowMs = Date.now();
const good: Validity = { fromMs: nowMs, toMs: nowMs + DAY_MS };
const hosts = ['127.0.0.1', 'localhost'];

let ca: KeyedCertificate;
let otherCa: KeyedCertificate;
const started: FixedCoordinator[] = [];

beforeAll(async () => {
  [ca, otherCa] = await Promise.all([makeCa(good), makeCa(good)]);
});
afterEach(async () => {
  for (const coordinator of started.splice(0)) await coordinator.stop();
  await cleanUpSecure();
});

async function serve(guard: Guard): Promise<string> {
  const coordinator = await startFixedCoordinator([], guard);
  started.push(coordinator);
  return coordinator.address;
}

const guarded = async (validity = good, names = hosts): Promise<string> =>
  serve({ certificate: await issueForServer(ca, names, validity), token: TOKEN });

/** A call to the coordinator, by itself who we are. */
async function asked(
  address: string,
  caPem: string | null,
  token: string | null = TOKEN,
  call: (client: CoordinatorClient) => Promise<unknown> = (client) => client.whoAmI(),
) {
  const endpoint = { addresses: [address], origin: 'from the test', ca: caPem, token };
  const client = new CoordinatorClient(endpoint, 5_000);
  try {
    return await call(client);
  } finally {
    client.close();
  }
}

describe('a coordinator with TLS', () => {
  test('is told the token when its certificate is of the CA and for its address', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    const address = await guarded();
    expect(await asked(address, ca.certPem)).toMatchObject({ name: 'ada' });
    const named = address.replace('127.0.0.1', 'localhost');
    expect(await asked(named, ca.certPem)).toMatchObject({ name: 'ada' });
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  test('asks who you are: exit 4 and what to do, with no token and with a wrong one', async () => {
    const address = await guarded();
    await expect(asked(address, ca.certPem, null)).rejects.toMatchObject({
      exitCode: EXIT.denied,
      message: expect.stringContaining('PODCTL_TOKEN_FILE'),
    });
    const wrong = `pu1.eve.${'e'.repeat(32)}`;
    const refused = asked(address, ca.certPem, wrong);
    await expect(refused).rejects.toMatchObject({
      exitCode: EXIT.denied,
      message: expect.stringContaining('does not take your token'),
    });
    await expect(refused).rejects.not.toThrow(wrong);
  });

  test('refuses what a role may not: exit 4, and who may', async () => {
    const { address, access, certificate } = await secureApi();
    const { text } = access.grant('vera', 'viewer');
    const { caPem } = certificate.current;
    expect(await asked(address, caPem, text)).toMatchObject({ name: 'vera', role: Role.VIEWER });
    const revoke = (client: CoordinatorClient) => client.revokeUser('vera');
    await expect(asked(address, caPem, text, revoke)).rejects.toMatchObject({
      exitCode: EXIT.denied,
      message: expect.stringMatching(/ refuses: this needs the role admin, and yours is viewer; /),
    });
    await access.revokeUser('vera');
    await expect(asked(address, caPem, text)).rejects.toThrow('does not take your token');
  });

  test.each<[string, () => Promise<string>, string]>([
    [
      'of another CA',
      async () => serve({ certificate: await issueForServer(otherCa, hosts, good), token: TOKEN }),
      'is not from the CA that was named',
    ],
    ['for another host', () => guarded(good, ['example.org']), 'is for other addresses'],
    [
      'that has expired',
      () => guarded({ fromMs: nowMs - 3 * DAY_MS, toMs: nowMs - DAY_MS }),
      'has expired',
    ],
    [
      'that is not valid yet',
      () => guarded({ fromMs: nowMs + DAY_MS, toMs: nowMs + 2 * DAY_MS }),
      'is not valid yet',
    ],
    ['that is none: plain gRPC', () => serve({}), 'does not speak TLS'],
  ])('is not believed with a certificate %s', async (_, start, sentence) => {
    const address = await start();
    const places = [address, address.replace('127.0.0.1', 'localhost')];
    for (const place of places)
      await expect(asked(place, ca.certPem)).rejects.toMatchObject({
        exitCode: EXIT.unavailable,
        message: expect.stringContaining(sentence),
      });
  });

  test('is recognised by one who names no CA', async () => {
    await expect(asked(await guarded(), null, null)).rejects.toMatchObject({
      exitCode: EXIT.unavailable,
      message: expect.stringContaining('name its CA with --ca-file'),
    });
  });
});
