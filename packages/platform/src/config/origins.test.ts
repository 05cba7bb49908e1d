import { describe, expect, it } from 'vitest';
import { settingsWithOrigins } from './origins.ts';

describe('the settings with where they come from', () => {
  const sources = [
    { origin: 'flag', from: '--data-dir', tree: { dataDir: '/flag' } },
    {
      origin: 'file',
      from: 'podctl.yaml',
      tree: { dataDir: '/file', nats: { url: 'nats://me:hunter2@host:1' }, agent: { id: null } },
    },
  ] as const;
  const found = (name: string) =>
    settingsWithOrigins(sources).find(({ setting }) => setting === name);

  it('take the first that has one, and the default where none has', () => {
    expect(found('dataDir')).toMatchObject({ value: '/flag', origin: 'flag', from: '--data-dir' });
    expect(found('agent.id')).toMatchObject({ value: null, origin: 'file' });
    expect(found('log.level')).toEqual({
      ...{ setting: 'log.level', value: 'info', origin: 'default', from: '' },
    });
  });

  it('show no password', () => {
    expect(found('nats.url')?.value).toBe('nats://***@host:1');
    expect(JSON.stringify(settingsWithOrigins(sources))).not.toContain('hunter2');
  });
});
