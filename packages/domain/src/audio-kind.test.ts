import { describe, expect, test } from 'vitest';
import { sniff } from './audio-kind.ts';

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

describe('the first bytes of a body', () => {
  test.each([
    ['ID3\x04\x00', 'mp3'],
    ['\xff\xfb\x90\x64', 'mp3'],
    ['\xff\xf1\x50\x80', 'aac'],
    ['fLaC\x00', 'flac'],
    ['OggS\x00\x02........OpusHead', 'opus'],
    ['OggS\x00\x02........\x01vorbis', 'ogg'],
    ['RIFF\x10\x00\x00\x00WAVEfmt ', 'wav'],
    ['\x00\x00\x00\x20ftypM4A ', 'm4a'],
    ['\x00\x00\x00\x20ftypisom', 'mp4'],
    ['\x1aE\xdf\xa3....webm', 'webm'],
  ])('%j is audio with extension %s', (head, extension) => {
    expect(sniff(bytes(head))).toEqual({ kind: 'audio', extension });
  });

  test.each([
    ['<!DOCTYPE html><html>', 'HTML'],
    ['\xef\xbb\xbf\n <HTML lang="en">', 'HTML'],
    ['<!-- cached -->\n<html>', 'HTML'],
    ['{"error": "not found"}', 'JSON'],
    ['[]', 'JSON'],
    ['<?xml version="1.0"?><Error>', 'XML'],
    ['Too many requests. Please wait.\r\n', 'a text'],
  ])('%j is a page: %s', (head, what) => {
    expect(sniff(bytes(head))).toEqual({ kind: 'page', what });
  });

  test.each(['', '\x00\x00\x00\x00', '\xff\xff\xff\xff', '\x1f\x8b\x08\x00'])(
    '%j is neither',
    (head) => {
      expect(sniff(bytes(head))).toEqual({ kind: 'unknown' });
    },
  );
});
