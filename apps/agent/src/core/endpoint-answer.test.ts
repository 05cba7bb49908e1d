import { expect, test } from 'vitest';
import { type EndpointAnswer, judgeEndpointAnswer, wordsOfError } from './endpoint-answer.ts';

const names = { url: 'http://127.0.0.1:8000/v1', model: 'whisper-1', uploadBytesMax: 25e6 };

function judged(status: number, more: Partial<EndpointAnswer> = {}) {
  return judgeEndpointAnswer({ status, retryAfterMs: null, words: '', ...more }, names);
}

test('an answer is heard, and an error is what it means for the job', () => {
  expect(judged(200)).toEqual({ kind: 'heard' });
  const failed = (code: string) => ({ kind: 'failed', failure: { code } });
  expect(judged(400)).toMatchObject(failed('bad_request'));
  expect(judged(401)).toMatchObject(failed('endpoint_refused'));
  expect(judged(404)).toMatchObject(failed('endpoint_refused'));
  expect(judged(404, { words: 'The model does not exist' })).toMatchObject(failed('model_missing'));
  expect(judged(413)).toMatchObject(failed('audio_too_large'));
  expect(judged(301)).toMatchObject(failed('endpoint_refused'));
});

test('what may pass is worth another try, when the server says so', () => {
  for (const [status, code] of [
    [429, 'endpoint_busy'],
    [503, 'endpoint_busy'],
    [500, 'endpoint_failed'],
    [408, 'endpoint_failed'],
  ] as const) {
    expect(judged(status)).toMatchObject({ kind: 'again', failure: { code } });
    expect(judged(status)).not.toHaveProperty('waitMs');
    expect(judged(status, { retryAfterMs: 5_000 })).toMatchObject({ waitMs: 5_000 });
  }
});

test('a refused token is told without the server’s words, which may repeat it', () => {
  expect(JSON.stringify(judged(401, { words: 'Incorrect API key: hunter2' }))).not.toContain(
    'hunter2',
  );
});

test('a limit is named with the setting that knows of it', () => {
  expect(judged(413)).toMatchObject({
    failure: {
      message: expect.stringMatching(/transcribe\.openai\.uploadMax, now 25000000 bytes/),
    },
  });
});

test.each([
  ['{"error": {"message": "Too long.", "type": "x"}}', 'Too long.'],
  ['{"detail": {"error": {"message": "Unknown model"}}}', 'Unknown model'],
  ['{"detail": "Not Found"}', 'Not Found'],
  ['{"error": "busy"}', 'busy'],
  ['Internal Server Error\n', 'Internal Server Error'],
  ['<html><body>502</body></html>', ''],
  ['{"detail": [{"loc": ["body"]}]}', ''],
])('%s says %s', (body, words) => {
  expect(wordsOfError(body)).toBe(words);
});
