import { describe, expect, test } from 'vitest';
import { RefusalLines } from './refusal-lines.ts';

type Kind = 'join' | 'call';

function refused(lines: RefusalLines<Kind>, peers: readonly string[], nowMs = 0): number {
  return peers.filter((peer) => lines.take('join', peer, nowMs)).length;
}

const peersOf = (count: number) => Array.from({ length: count }, (_, n) => `p${n}`);

describe('a line of its own', () => {
  test('have 20 refusals of one peer, then one each 5 s', () => {
    const lines = new RefusalLines<Kind>();
    expect(refused(lines, Array(100).fill('a'))).toBe(20);
    expect(refused(lines, ['a'], 4_999)).toBe(0);
    expect(refused(lines, ['a', 'a'], 5_000)).toBe(1);
  });

  test('have 50 refusals of many peers, then one a second', () => {
    const lines = new RefusalLines<Kind>();
    expect(refused(lines, peersOf(100))).toBe(50);
    expect(refused(lines, ['x', 'y'], 1_000)).toBe(1);
  });

  test('have the first refusals of another peer or kind, whoever knocks', () => {
    const lines = new RefusalLines<Kind>();
    refused(lines, Array(1_000).fill('a'));
    expect(lines.take('join', 'b', 0)).toBe(true);
    expect(lines.take('call', 'a', 0)).toBe(true);
  });
});

describe('what is left out', () => {
  test('is counted to the last one, each time anew, with the five peers that had most', () => {
    const lines = new RefusalLines<Kind>();
    const peers = ['a', 'b', 'c', 'd', 'e', 'f'];
    // 50 lines go to those that come first.
    refused(lines, peersOf(50));
    refused(
      lines,
      peers.flatMap((peer, n) => Array(10 * (n + 1)).fill(peer)),
    );
    lines.take('call', 'g', 0);
    expect(lines.takeLeftOut()).toEqual([
      {
        kind: 'join',
        count: 210,
        peers: [
          { peer: 'f', count: 60 },
          { peer: 'e', count: 50 },
          { peer: 'd', count: 40 },
          { peer: 'c', count: 30 },
          { peer: 'b', count: 20 },
        ],
      },
    ]);
    expect(lines.takeLeftOut()).toEqual([]);
  });

  test('of more peers than are kept is counted all the same, and those known keep their names', () => {
    const lines = new RefusalLines<Kind>();
    refused(lines, peersOf(50));
    refused(lines, ['first', ...peersOf(5_000), 'first']);
    const [of] = lines.takeLeftOut();
    expect(of?.count).toBe(5_002);
    expect(of?.peers[0]).toEqual({ peer: 'first', count: 2 });
    expect(of?.peers).toHaveLength(5);
  });
});
