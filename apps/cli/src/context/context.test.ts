import { describe, expect, test } from 'vitest';
import {
  type Context,
  contextFile,
  contextName,
  parseContext,
  serverList,
  tokenInTheClear,
} from './context.ts';

describe('a context', () => {
  test('has a name that is safe in a path, and never that of what runs here', () => {
    for (const name of ['home', 'gpu-1', 'a.b_c', 'x'])
      expect(contextName(name)).toMatchObject({ ok: true });
    for (const name of ['', '..', '../x', '.x', 'x.', 'A', 'a/b', 'x'.repeat(49), 'local'])
      expect(contextName(name)).toMatchObject({ ok: false });
  });

  test('is read back from its file as it was written', () => {
    const home: Context = {
      ...{ name: 'home', servers: ['c1:7070', '[::1]:7070'] },
      ...{ caPem: 'a certificate', tokenFile: '/home/ada/token' },
    };
    expect(parseContext('home', JSON.stringify(contextFile(home)))).toEqual(home);
    expect(parseContext('plain', '{"servers":["c1:7070"]}')).toEqual({
      ...{ name: 'plain', servers: ['c1:7070'], caPem: null, tokenFile: null },
    });
  });

  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"servers":[]}',
    '{"servers":"c1:7070"}',
    '{"servers":["c1"]}',
    '{"servers":[7070]}',
    '{"servers":["c1:7070"],"ca":1}',
    '{"servers":["c1:7070"],"tokenFile":{}}',
  ])('is not read from %s', (text) => {
    expect(parseContext('home', text)).toBeNull();
  });

  test('names servers by host and port', () => {
    expect(serverList('c1:7070,[fd00::1]:7071')).toEqual({
      ok: true,
      value: ['c1:7070', '[fd00::1]:7071'],
    });
    for (const text of ['', 'c1', 'c1:0', 'c1:99999', 'c1:7070,', 'http://c1:7070'])
      expect(serverList(text)).toMatchObject({ ok: false });
  });
});

describe('a token in the clear', () => {
  test('may go over loopback, and nowhere else', () => {
    expect(tokenInTheClear(['127.0.0.1:1', 'localhost:1', '[::1]:1'], false)).toBeNull();
    expect(tokenInTheClear(['127.0.0.1:1', 'c2:7070'], false)).toContain('would go to c2:7070');
    expect(tokenInTheClear(['127.0.0.1.example.org:1'], false)).not.toBeNull();
  });

  test('is none where a CA is named', () => {
    expect(tokenInTheClear(['c2:7070'], true)).toBeNull();
  });
});
