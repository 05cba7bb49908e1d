import { expect, test } from 'vitest';
import { MEMO_BYTES_MAX, MEMO_MS, RequestMemo } from './request-memo.ts';

test('an answer is known again for ten minutes, then not', () => {
  const memo = new RequestMemo<string>();
  expect(memo.find('ann add 1', 'x', 0)).toEqual({ kind: 'new' });
  memo.keep('ann add 1', 'x', 'done', 0);
  expect(memo.find('ann add 1', 'x', MEMO_MS - 1)).toEqual({ kind: 'known', answer: 'done' });
  expect(memo.find('ann add 1', 'x', MEMO_MS)).toEqual({ kind: 'new' });
  expect(memo.find('bob add 1', 'x', 0)).toEqual({ kind: 'new' });
});

test('an id that comes with another request is told apart', () => {
  const memo = new RequestMemo<string>();
  memo.keep('a', 'x', 'done', 0);
  expect(memo.find('a', 'y', 1)).toEqual({ kind: 'other' });
});

test('what is forgotten is new', () => {
  const memo = new RequestMemo<string>();
  memo.keep('a', 'x', 'done', 0);
  memo.forget('a');
  expect(memo.find('a', 'x', 1)).toEqual({ kind: 'new' });
});

test('memory is bounded by number and by time', () => {
  const memo = new RequestMemo<number>();
  for (let i = 0; i < 5_000; i += 1) memo.keep(String(i), 'x', i, i);
  expect(memo.size).toBe(1_000);
  expect(memo.find('4999', 'x', 5_000)).toEqual({ kind: 'known', answer: 4_999 });
  expect(memo.find('3999', 'x', 5_000)).toEqual({ kind: 'new' });
  memo.keep('late', 'x', 0, 5_000 + MEMO_MS);
  expect(memo.size).toBe(1);
});

test('memory is bounded by bytes: a large answer is not kept, and the oldest go for the newest', () => {
  const memo = new RequestMemo<string>();
  const { answer, total } = MEMO_BYTES_MAX;
  for (let i = 0; i < 20; i += 1) {
    memo.keep(String(i), 'x', 'done', i);
    memo.weigh(String(i), 'done', answer);
  }
  expect(memo.size).toBe(total / answer);
  expect(memo.find('3', 'x', 20)).toEqual({ kind: 'new' });
  expect(memo.find('4', 'x', 20)).toEqual({ kind: 'known', answer: 'done' });
  memo.keep('large', 'x', 'done', 20);
  memo.weigh('large', 'another time’s', 1);
  memo.weigh('large', 'done', answer + 1);
  expect([memo.find('large', 'x', 20).kind, memo.size]).toEqual(['new', 16]);
});

test('what is over is dropped as soon as somebody asks, whatever for', () => {
  const memo = new RequestMemo<string>();
  memo.keep('a', 'x', 'a secret', 0);
  memo.keep('b', 'x', 'done', 1);
  memo.find('c', 'x', MEMO_MS);
  expect(memo.size).toBe(1);
});
