import { type CredentialRecord, succeed } from '@podctl/domain/access.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import { expect, test } from 'vitest';
import { agentNamed } from '../../../../test/support/access-world.ts';
import { putOutBy } from './access.ts';

const one = agentNamed('one');
const issued = {
  ...{ agent: one, natsKey: 'K1', tlsKeySha256: '1'.repeat(64), tokenId: 'a'.repeat(16) },
  ...{ issuedMs: 1, expiresMs: 9 },
};
const good = succeed(null, issued);
const revoked = { ...good, revokedMs: 5 };

function standing(
  record: CredentialRecord | null,
  of: { isCurrent?: boolean; localAgents?: readonly AgentId[]; needsRecord?: boolean } = {},
) {
  const { isCurrent = true, localAgents = [], needsRecord = true } = of;
  const book = { isCurrent, credential: () => record, onChange: () => () => {} };
  return putOutBy({ book, localAgents, needsRecord }).standing(one);
}

test('an agent is in by a record that is not revoked, and else it is out', () => {
  expect([standing(good), standing(revoked), standing(null)]).toEqual(['in', 'revoked', 'unknown']);
});

test('of an agent without a record nothing is said before all records are read', () => {
  expect(standing(null, { isCurrent: false })).toBe('unread');
  expect(standing(revoked, { isCurrent: false })).toBe('revoked');
});

test('an agent that runs beside the coordinator is in, whatever an old record says', () => {
  const localAgents = [one];
  for (const record of [null, revoked]) expect(standing(record, { localAgents })).toBe('in');
  expect(standing(null, { localAgents, isCurrent: false })).toBe('in');
});

test('where NATS has users of its own an agent needs no record, and a revoked one is out all the same', () => {
  expect(standing(null, { needsRecord: false })).toBe('in');
  expect(standing(revoked, { needsRecord: false })).toBe('revoked');
});
