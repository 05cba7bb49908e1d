import { describe, expect, it } from 'vitest';
import { diskFloor } from './disk-floor.ts';

describe('the floor of a disk', () => {
  it('shuts below it, and opens again only with a tenth more', () => {
    expect(diskFloor('open', 100, 0, 100)).toBe('open');
    expect(diskFloor('open', 99, 0, 100)).toBe('shut');
    expect(diskFloor('shut', 105, 0, 100)).toBe('shut');
    expect(diskFloor('shut', 110, 0, 100)).toBe('open');
  });

  it('counts what is still to be written, and takes a disk that does not tell for one with room', () => {
    expect(diskFloor('open', 150, 60, 100)).toBe('shut');
    expect(diskFloor('shut', null, 60, 100)).toBe('open');
    expect(diskFloor('open', 0, 0, 0)).toBe('open');
  });
});
