import { describe, expect, it } from 'vitest';
import { seen, unseen, unseenBy } from './check.ts';
import {
  address,
  checksOf,
  client,
  DAY,
  diagnosis,
  NOW,
  said,
  server,
  well,
} from './fleet-example.ts';
import type { AddressFacts, ClientFacts, DiagnosisFacts, FleetFacts } from './fleet-facts.ts';
import { judgeClient } from './judge-client.ts';
import { judgeWholeFleet } from './judge-fleet.ts';

const nats = (change: Partial<DiagnosisFacts['nats']>) => ({
  diagnosis: seen({ ...diagnosis, nats: { ...diagnosis.nats, ...change } }),
});
describe('a fleet that is well', () => {
  it('has every check ok and in a fixed order', () => {
    const checks = judgeWholeFleet(client, well);
    expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect(checks.map(({ id }) => id)).toEqual([
      ...['reach', 'tls', 'token', 'coordinator', 'fleet', 'agents', 'versions', 'clock'],
      ...['nats', 'nats-clock', 'nats-buckets', 'nats-sync', 'disk'],
    ]);
  });

  it('is told in words', () => {
    expect([...checksOf().values()].map((check) => check.seen)).toEqual([
      'c1:7070 in 2 ms',
      'TLSv1.3, the certificate of c1:7070 is good for 60d00h more',
      'you are ada, admin',
      'c1 at c1:7070 leads, term 3',
      'nothing is wrong as a whole',
      '1 agent live',
      '0.4.2 everywhere',
      "the coordinator's clock is right by this machine's, within 2 s",
      'nats-server 2.15.1 (n1 of the cluster home), JetStream answers',
      "the clock of NATS is right by the coordinator's, within 2 s",
      '1 buckets on 3 servers, all in step, 5.0 MB',
      'always, by nats-server.conf',
      'library 500 GB free, state 50 GB free',
    ]);
  });
});

describe('what depends on a check that failed is skipped with the reason', () => {
  const skippedBehind = (facts: Partial<FleetFacts>, id: string) => {
    const checks = [...checksOf(facts).values()];
    const at = checks.findIndex((check) => check.id === id);
    expect(checks[at]?.outcome).toBe('fail');
    return new Set(
      checks
        .slice(at + 1)
        .filter((check) => check.id !== 'nats-sync' || check.outcome === 'skipped')
        .map((check) => `${check.outcome}: ${check.seen}`),
    );
  };

  it('no coordinator known', () => {
    const unknown = { ...client, endpoint: unseenBy('no coordinator is known; start one') };
    const checks = judgeWholeFleet(unknown, null);
    expect(new Set(checks.map((check) => `${check.outcome}: ${check.seen}`))).toEqual(
      new Set(['skipped: no coordinator is known']),
    );
  });

  it('and nothing is said of a fleet that nobody need know', () => {
    const alone = { ...client, endpoint: unseen('none'), isEndpointNeeded: false };
    expect(judgeWholeFleet(alone, null)).toEqual([]);
  });

  it('none reached', () => {
    const gone: AddressFacts = {
      ...address,
      tcp: unseen('nothing listens there (connection refused)'),
      tls: { kind: 'unasked' },
    };
    expect(skippedBehind({ addresses: [gone], identity: null }, 'reach')).toEqual(
      new Set(['skipped: no coordinator was reached']),
    );
    expect(said('reach', { addresses: [gone] })).toBe(
      'fail: c1:7070 not: nothing listens there (connection refused) -> start the coordinator there, open its port for this machine, or name another with --server host:port',
    );
  });

  it('none trusted', () => {
    const other: AddressFacts = {
      ...address,
      tls: { kind: 'refused', failure: 'expired', why: 'certificate has expired' },
    };
    expect(skippedBehind({ addresses: [other], identity: null }, 'tls')).toEqual(
      new Set(['skipped: no coordinator proved who it is']),
    );
  });

  it('a token that is refused', () => {
    const refused = {
      identity: seen({
        kind: 'refused',
        why: 'the coordinator at c1:7070 does not take your token',
        fix: 'ask an admin',
      } as const),
    };
    expect(skippedBehind(refused, 'token')).toEqual(
      new Set(['skipped: the coordinator tells it only to whom it knows']),
    );
    expect(said('token', refused)).toBe(
      'fail: the coordinator at c1:7070 does not take your token -> ask an admin',
    );
  });

  it('a coordinator that is reached and silent, whose token nobody could judge', () => {
    const silent = { identity: unseen('it gave no answer within 4 s') };
    expect(said('token', silent)).toBe('skipped: the coordinator did not answer');
    expect(skippedBehind(silent, 'coordinator')).toEqual(
      new Set(['skipped: the coordinator did not answer']),
    );
  });

  it('a coordinator that does not answer', () => {
    const silent = { server: unseen('it gave no answer within 4 s') };
    expect(skippedBehind(silent, 'coordinator')).toEqual(
      new Set(['skipped: the coordinator did not answer']),
    );
  });

  it('NATS lost, or JetStream silent', () => {
    expect(said('nats', nats({ connected: false, buckets: [] }))).toBe(
      'fail: the coordinator has lost its connection to NATS, and tries again -> look whether the nats-server runs, and whether the coordinator can reach it (nats.url)',
    );
    expect(said('nats-buckets', nats({ connected: false, buckets: [] }))).toBe(
      'skipped: JetStream did not answer',
    );
  });

  it('a role that may not see NATS', () => {
    const refused = {
      diagnosis: unseen(
        'the coordinator refuses: your role does not allow this',
        'ask an admin of the fleet',
      ),
    };
    for (const id of ['nats', 'nats-clock', 'nats-buckets', 'disk'])
      expect(said(id, refused)).toBe(
        'skipped: the coordinator refuses: your role does not allow this -> ask an admin of the fleet',
      );
  });
});

describe('addresses and TLS', () => {
  const gone: AddressFacts = {
    ...address,
    address: 'c2:7070',
    tcp: unseen('there is no way to it from this machine'),
    tls: { kind: 'unasked' },
  };

  it('one of several that is gone is a warning', () => {
    expect(said('reach', { addresses: [address, gone] })).toBe(
      'warn: c1:7070 in 2 ms; c2:7070 not: there is no way to it from this machine -> start the coordinator that is missing, or take its address out of the context; the others serve meanwhile',
    );
  });

  it.each([
    [
      'unknown_ca',
      'the certificate of the coordinator at c1:7070 is not from the CA that was named: it is another fleet, or somebody in between',
      'compare the fleet',
    ],
    [
      'expired',
      'the certificate of the coordinator at c1:7070 has expired, or the clock here is ahead',
      'compare the clocks',
    ],
    ['not_yet_valid', 'the clock here is behind', 'set them by NTP'],
    [
      'other_name',
      'the certificate of the coordinator at c1:7070 is for other addresses',
      'coordinator.advertise',
    ],
    ['no_tls_there', 'what listens at c1:7070 does not speak TLS', 'coordinator.grpc.listen'],
    ['hung_up', 'what listens at c1:7070 hangs up on a connection without TLS', '--ca-file'],
  ] as const)('a certificate refused as %s is told with its fix', (failure, words, fix) => {
    const check = checksOf({
      addresses: [{ ...address, tls: { kind: 'refused', failure, why: 'x' } }],
    }).get('tls');
    expect(check?.outcome).toBe('fail');
    expect(check?.seen).toContain(words);
    expect(check?.fix).toContain(fix);
  });

  it('a failure of no known kind is told in its own words', () => {
    expect(
      said('tls', {
        addresses: [{ ...address, tls: { kind: 'refused', failure: null, why: 'EPIPE' } }],
      }),
    ).toBe(
      'fail: no connection under TLS came to be with c1:7070: EPIPE -> look whether the port is the one of coordinator.grpc.listen, and into the log of that coordinator',
    );
  });

  it('one bad certificate of two coordinators is a warning', () => {
    const bad: AddressFacts = {
      ...address,
      address: 'c2:7070',
      tls: { kind: 'refused', failure: 'expired', why: '' },
    };
    expect(checksOf({ addresses: [address, bad] }).get('tls')?.outcome).toBe('warn');
  });

  it('a certificate or a CA near its end is a warning', () => {
    const tls = {
      kind: 'trusted',
      protocol: 'TLSv1.3',
      expiresMs: NOW + 3 * DAY,
      caExpiresMs: NOW + 900 * DAY,
    } as const;
    expect(said('tls', { addresses: [{ ...address, tls }] })).toBe(
      'warn: the certificate of c1:7070 is good for 3d00h more, and was not renewed -> restart that coordinator, which makes it a new one',
    );
    expect(
      said('tls', { addresses: [{ ...address, tls: { ...tls, caExpiresMs: NOW + 10 * DAY } }] }),
    ).toContain('warn: the CA of the fleet is good for 10d00h more -> plan a new CA');
  });

  it('plain is fine on loopback and a warning beyond', () => {
    const plain: AddressFacts = { ...address, tls: { kind: 'plain' } };
    expect(said('tls', { addresses: [{ ...plain, isLoopback: true }] })).toBe(
      'ok: nothing is encrypted, on this machine only',
    );
    expect(said('tls', { addresses: [plain] })).toContain(
      'warn: nothing is encrypted on the way to c1:7070',
    );
  });
});

describe('the coordinator', () => {
  it('nobody leads', () => {
    expect(
      said('coordinator', { server: seen({ ...server, epoch: 0, leading: false }) }),
    ).toContain(
      'fail: c1 at c1:7070 answers, and no coordinator leads -> look at the checks nats and disk',
    );
  });

  it('its problem is told, with its advice as the fix', () => {
    expect(said('fleet', { problem: seen('the library is offline; mount it again.') })).toBe(
      'fail: the library is offline -> mount it again',
    );
  });

  it('nobody is asked for a token', () => {
    expect(said('token', { identity: seen({ kind: 'known', name: '', role: '' } as const) })).toBe(
      'ok: nobody is asked for a token there; yours is not needed',
    );
  });

  it.each([
    ['0.4.9', 'warn'],
    ['0.5.0', 'warn'],
    ['0.3.1', 'warn'],
    ['0.6.0', 'fail'],
    ['1.4.2', 'fail'],
    ['', 'fail'],
  ])('a coordinator of version %j beside 0.4.2 is a %s', (version, outcome) => {
    const check = checksOf({ server: seen({ ...server, version }) }).get('versions');
    expect(check?.outcome).toBe(outcome);
    expect(check?.fix).toBe(
      'bring both to the newer one: coordinators first, then agents, then clients',
    );
  });

  it('an agent that is far behind is named', () => {
    const agents = seen([{ id: 'gpu2', live: true, version: '0.1.0', problem: '' }]);
    expect(said('versions', { agents })).toContain(
      'fail: the coordinator is 0.4.2, gpu2 0.1.0: more than one minor version apart',
    );
  });

  it.each([
    [-90_000, "fail: the coordinator's clock is 1m30s behind this machine's, and at most 60 s go"],
    [90_000, "fail: the coordinator's clock is 1m30s ahead of this machine's, and at most 60 s go"],
    [30_000, "warn: the coordinator's clock is 30s ahead of this machine's"],
  ])('a clock %i ms off is told', (offMs, words) => {
    const clock = { ...server.clock, otherMs: NOW + offMs };
    expect(said('clock', { server: seen({ ...server, clock }) })).toBe(
      `${words} -> let both machines set their clocks by NTP, e.g. with "timedatectl set-ntp true"`,
    );
  });

  it('an older one that tells no time is skipped', () => {
    const clock = { ...server.clock, otherMs: null };
    expect(said('clock', { server: seen({ ...server, clock }) })).toBe(
      'skipped: the coordinator is older and does not tell its time',
    );
  });
});

describe('agents', () => {
  const agent = { id: 'gpu1', live: true, version: '0.4.2', problem: '' };
  it('none at all', () => {
    expect(said('agents', { agents: seen([]) })).toContain(
      'warn: there is none, so nothing is worked on -> make a machine one',
    );
  });
  it('none live', () => {
    expect(said('agents', { agents: seen([{ ...agent, live: false }]) })).toBe(
      'warn: none is live of gpu1 -> run "podctl doctor --agent" on one of their machines',
    );
  });
  it('one silent, one in trouble', () => {
    expect(
      said('agents', { agents: seen([agent, { ...agent, id: 'gpu2', live: false }]) }),
    ).toContain('warn: 1 live; silent: gpu2 ->');
    expect(said('agents', { agents: seen([{ ...agent, problem: 'its disk is full' }]) })).toBe(
      'warn: gpu1 says: its disk is full -> run "podctl doctor --agent" on the machine of gpu1',
    );
  });
});

describe('this podctl', () => {
  const of = (change: Partial<ClientFacts>) => judgeClient({ ...client, ...change });
  it('an old Node and an unknown coordinator are told with their fixes', () => {
    const [program, context] = of({
      nodeVersion: '22.13.1',
      endpoint: unseenBy('no coordinator is known: x; start one with "podctl up"'),
    });
    expect(program).toMatchObject({ outcome: 'fail', fix: 'run podctl with Node 22.18 or newer' });
    expect(context).toMatchObject({
      outcome: 'fail',
      seen: 'no coordinator is known: x',
      fix: 'start one with "podctl up"',
    });
  });
  it('an agent alone needs no coordinator named', () => {
    expect(
      of({ endpoint: unseen('no coordinator is known'), isEndpointNeeded: false })[1]?.outcome,
    ).toBe('skipped');
  });
});
