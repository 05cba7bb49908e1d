import { expect, test } from 'vitest';
import { plaintextProblem } from './plaintext.ts';

const grpc = { setting: 'coordinator.grpc.listen', host: '127.0.0.1', port: 4801 };
const bytes = { setting: 'coordinator.bytes.listen', host: '0.0.0.0', port: 4803 };

test.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])(
  'without keys it may listen on %s',
  (host) => {
    expect(plaintextProblem([grpc, { ...bytes, host }])).toBeNull();
  },
);

test.each([
  ['0.0.0.0', '0.0.0.0:4803'],
  ['::', '[::]:4803'],
  ['10.0.0.7', '10.0.0.7:4803'],
  ['127.0.0.1.example.org', '127.0.0.1.example.org:4803'],
  ['head', 'head:4803'],
])(
  'without keys it may not on %s, and the sentence names the setting and the way out',
  (host, at) => {
    expect(plaintextProblem([grpc, { ...bytes, host }])).toBe(
      `coordinator.bytes.listen is ${at}, which other machines reach, but there are no keys of a fleet to encrypt with and to know people and agents by: make them with "podctl coordinator init", or set it to 127.0.0.1:4803`,
    );
  },
);
