import {
  AuthorizationError,
  PermissionViolationError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import {
  afterRefusal,
  isRevocation,
  isRightless,
  type RefusalStreak,
  refusalOf,
  refusedFor,
} from './refusal.ts';

const violation = new AuthorizationError('Authorization Violation');
const expired = new UserAuthenticationExpiredError('User Authentication Expired');
const asked = { servers: ['tls://me:s3cret@nats:4222'], auth: { kind: 'credentials' } } as const;

describe('refusals while reconnecting', () => {
  const after = (seen: readonly (readonly [number, Error])[]) =>
    refusedFor(
      seen.reduce(
        (streak: RefusalStreak | null, [ms, error]) => afterRefusal(streak, error, ms),
        null,
      ),
    );

  test('add up while they come one after the other, an expired credential among them', () => {
    expect(after([])).toBe(0);
    expect(after([[1_000, violation]])).toBe(0);
    expect(
      after([
        [1_000, violation],
        [15_000, expired],
        [30_000, violation],
      ]),
    ).toBe(29_000);
  });

  test('begin anew after a while in which no server said anything', () => {
    expect(
      after([
        [0, violation],
        [50_000, violation],
        [55_000, violation],
      ]),
    ).toBe(5_000);
  });

  test('are not other troubles', () => {
    expect(after([[0, new Error('maximum connections exceeded')]])).toBe(0);
    expect(
      after([
        [0, violation],
        [9_000, new Error('slow consumer')],
      ]),
    ).toBe(0);
  });
});

test('a revocation is the end, an expiry is not', () => {
  expect(isRevocation(new Error('User Authentication Revoked'))).toBe(true);
  expect(isRevocation(expired)).toBe(false);
  expect(isRevocation(violation)).toBe(false);
});

test.each([
  [violation, 'credentials', /refused the credentials: they were revoked, .* joins anew/],
  [
    expired,
    'credentials',
    /refused the credentials, which have expired: check this machine's clock/,
  ],
  [
    Object.assign(new Error('unable to verify'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }),
    'untrusted',
    /a certificate that is not accepted \(unable to verify\)/,
  ],
  [new Error('connection refused'), 'unreachable', /could not be reached \(connection refused\)/],
])('%s becomes one sentence, without the password of the address', (error, why, sentence) => {
  const refusal = refusalOf(asked, error);
  expect(refusal.why).toBe(why);
  expect(refusal.sentence).toMatch(sentence);
  expect(refusal.sentence).not.toContain('s3cret');
});

test('a violation is about the subject that it names, and another error about none', () => {
  const refused = new PermissionViolationError('Permissions Violation', 'publish', 'log.a1');
  expect(isRightless(refused, 'log.a1')).toBe(true);
  expect(isRightless(refused, 'hb.a1')).toBe(false);
  expect(isRightless(violation, 'log.a1')).toBe(false);
});
