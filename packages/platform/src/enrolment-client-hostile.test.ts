import { agentId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeCa } from './authority/certificates.ts';
import { issuedMessage } from './enrolment.ts';
import {
  type CredentialBase,
  certificateIn,
  credentialFrom,
  makeMachineKeys,
} from './enrolment-client-issue.ts';
import { wordsOf } from './enrolment-client-request.ts';

const agent = agentId('gpu-1');
invariant(agent.ok, 'an agent id');
const nowMs = Date.UTC(2026, 0, 1);

let base: CredentialBase;
let caPem: string;
beforeAll(async () => {
  caPem = (await makeCa({ fromMs: nowMs, toMs: nowMs + 1e9 })).certPem;
  const { nats, tlsKeyPem } = makeMachineKeys();
  base = { agent: agent.value, caPem, natsSeed: '', tlsKeyPem, natsKey: nats.getPublicKey() };
});

/** Anything, and what looks like the real thing and is damaged. */
const pem = fc.oneof(
  fc.string({ minLength: 1, maxLength: 400 }),
  fc.tuple(fc.nat(700), fc.string({ maxLength: 3 })).map(([at, put]) => {
    return caPem.slice(0, at) + put + caPem.slice(at + put.length);
  }),
);
const part = fc.base64String({ maxLength: 200 });
const jwt = fc.oneof(
  fc.string({ minLength: 1, maxLength: 400 }),
  fc.tuple(part, part, part).map((parts) => parts.join('.')),
);
const urls = fc.array(fc.string({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 3 });
const issued = fc.record({
  natsServers: urls,
  coordinators: urls,
  natsJwt: jwt,
  tlsCertPem: pem,
  issuedMs: fc.nat(),
  expiresMs: fc.maxSafeNat(),
});

describe('whatever a hostile coordinator answers', () => {
  test('no credential is made of it, and nothing breaks (1,000 credentials)', () => {
    fc.assert(
      fc.property(issued, (message) => {
        expect(credentialFrom(base, message, nowMs).ok).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  test('bytes are no credential and no certificate (2,000 bodies)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(issuedMessage.decode(bytes).ok).toBe(false);
        expect(certificateIn(Buffer.from(bytes))).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  test('its words are one short line for a terminal (2,000 bodies)', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 600 }), fc.string({ unit: 'binary', maxLength: 600 })),
        (body) => {
          const words = wordsOf(typeof body === 'string' ? Buffer.from(body) : Buffer.from(body));
          expect(words.length).toBeLessThanOrEqual(300);
          expect(words).not.toMatch(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Cs}/u);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
