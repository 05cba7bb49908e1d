import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentId, ClusterId, EpisodeId, FeedId, SessionId, Token } from './ids.ts';
import { decodeManifest, encodeManifest, type Manifest, manifestRef } from './manifest.ts';

const manifest: Manifest = {
  version: 1,
  cluster: 'abcdefghijklmnop' as ClusterId,
  feed: 'the-feed' as FeedId,
  episode: 'abcdefghijklmnopqrstuvwxyz' as EpisodeId,
  stage: 'download',
  run: 2,
  token: 17 as Token,
  agent: 'host-1' as AgentId,
  session: 5 as SessionId,
  files: [
    { name: 'audio.mp3', sizeBytes: 10, sha256: 'a'.repeat(64) },
    { name: 'episode.json', sizeBytes: 5, sha256: 'b'.repeat(64) },
  ],
  audioSeconds: 61.5,
  details: { codec: 'mp3', bitrate: 64000, cbr: true, etag: null },
};

const changed = (change: Record<string, unknown>) => JSON.stringify({ ...manifest, ...change });
const withFile = (file: Record<string, unknown>) =>
  changed({ files: [{ ...manifest.files[0], ...file }] });

describe('a manifest', () => {
  it('comes back from its text as it was', () => {
    expect(decodeManifest(encodeManifest(manifest))).toEqual({ ok: true, value: manifest });
  });

  it('has the same bytes whatever the order of its details', () => {
    const details = Object.fromEntries(Object.entries(manifest.details).reverse());
    expect(encodeManifest({ ...manifest, details })).toBe(encodeManifest(manifest));
  });

  it.each([
    ['a version that is not 1', changed({ version: 2 }), 'version'],
    ['a key too many', changed({ extra: 1 }), 'unknown keys'],
    ['a stage nobody knows', changed({ stage: 'polish' }), 'stage'],
    ['run 0', changed({ run: 0 }), 'run'],
    ['a token that is a text', changed({ token: '17' }), 'token'],
    ['a feed id with a slash', changed({ feed: '../x' }), 'feed id'],
    ['a name that leaves the folder', withFile({ name: '../a' }), 'file name'],
    ['a hidden name', withFile({ name: '.a' }), 'file name'],
    ['the manifest as its own file', withFile({ name: 'manifest.json' }), 'file name'],
    ['a negative size', withFile({ sizeBytes: -1 }), 'size'],
    ['a hash that is none', withFile({ sha256: 'x' }), 'SHA-256'],
    [
      'two files of one name',
      changed({ files: [manifest.files[0], manifest.files[0]] }),
      'one name',
    ],
    ['65 files', changed({ files: Array(65).fill(manifest.files[0]) }), 'at most 64'],
    ['an object in details', changed({ details: { a: {} } }), 'details.a'],
    ['a negative length', changed({ audioSeconds: -1 }), 'audioSeconds'],
    ['what is not JSON', '{', 'not valid'],
    ['a list', '[]', 'not an object'],
  ])('is refused with %s', (_what, text, says) => {
    const decoded = decodeManifest(text);
    expect(decoded.ok ? '' : decoded.error).toContain(says);
  });

  it('is refused without any one of its keys', () => {
    for (const key of Object.keys(manifest)) {
      const { [key]: _gone, ...rest } = manifest as unknown as Record<string, unknown>;
      expect(decodeManifest(JSON.stringify(rest)).ok, key).toBe(false);
    }
  });

  it('never makes the decoder throw, whatever JSON comes', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(decodeManifest(text).ok).toBe(false);
      }),
    );
  });

  it('is referred to by its hash, with its files counted and summed', () => {
    expect(manifestRef(manifest, 'c'.repeat(64))).toEqual({
      sha256: 'c'.repeat(64),
      files: 2,
      bytes: 15,
      audioSeconds: 61.5,
    });
  });

  it.each([
    [0.876, 0.88],
    [0, 0],
    [1, 1],
    [1.01, undefined],
    [-0.1, undefined],
    ['0.9', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('keeps of a transcript’s quality %j what can be one: %j', (quality, kept) => {
    const details = { ...manifest.details, ...(quality === undefined ? {} : { quality }) };
    const transcript = { ...manifest, stage: 'transcribe', details } as const;
    expect(manifestRef(transcript, 'c'.repeat(64)).quality).toBe(kept);
    expect(manifestRef({ ...transcript, stage: 'download' }, 'c'.repeat(64)).quality).toBe(
      undefined,
    );
  });
});
