import { describe, expect, test } from 'vitest';
import { serviceDefinitions } from '../api/grpc-server.ts';
import { RPC_RULES, rpcRule, rpcRuleFor } from './rpc-roles.ts';

const paths = serviceDefinitions.flatMap((service) =>
  Object.values(service).map(({ path }) => path),
);

describe('the table of roles', () => {
  test('has a row for every method of every service, and no other row', () => {
    expect([...RPC_RULES.keys()].sort()).toEqual([...paths].sort());
    expect(paths.length).toBeGreaterThan(20);
  });

  test('opens nothing but health checks without a token', () => {
    const open = paths.filter((path) => rpcRule(path)?.needs === 'open');
    expect(open.sort()).toEqual(['/grpc.health.v1.Health/Check', '/grpc.health.v1.Health/Watch']);
  });

  test('has nothing for a method that is not there', () => {
    expect(rpcRule('/podctl.v1.FeedService/DropFeeds')).toBeNull();
    expect(rpcRule('constructor')).toBeNull();
  });

  test('lets viewers read, operators change, and admins govern', () => {
    const by = (role: string) =>
      paths
        .filter((path) => rpcRule(path)?.needs === role)
        .map((path) => path.slice(path.lastIndexOf('/') + 1))
        .sort();
    expect(by('operator')).toEqual([
      'AddFeeds',
      'CancelJob',
      'CordonAgent',
      'DrainAgent',
      'GetDiagnosis',
      'PrioritizeEpisodes',
      'RefreshFeed',
      'ReleaseLock',
      'RemoveFeed',
      'RetryEpisodes',
      'SkipEpisode',
      'SkipEpisodes',
      'UncordonAgent',
      'UpdateFeed',
    ]);
    expect(by('admin')).toEqual([
      'AdoptLibrary',
      'CreateBackup',
      'CreateJoinToken',
      'CreateUser',
      'ListCredentials',
      'ListJoinTokens',
      'ListUsers',
      'RevealFeedUrls',
      'RevokeAgent',
      'RevokeJoinToken',
      'RevokeUser',
    ]);
  });

  test('asks more of who wants the library repaired than of who looks at it', () => {
    const verify = '/podctl.v1.LibraryService/VerifyLibrary';
    expect(rpcRuleFor(verify, { repair: false })).toMatchObject({
      needs: 'viewer',
      audited: false,
    });
    expect(rpcRuleFor(verify, { repair: true })).toMatchObject({
      needs: 'operator',
      audited: true,
    });
    expect(rpcRuleFor('/podctl.v1.FeedService/ListFeeds', { repair: true })?.needs).toBe('viewer');
  });

  test('gives 16 MiB to AddFeeds and 64 KiB at most to all others', () => {
    const large = paths.filter((path) => (rpcRule(path)?.requestBytesMax ?? 0) > 64 * 1_024);
    expect(large).toEqual(['/podctl.v1.FeedService/AddFeeds']);
    expect(rpcRule('/podctl.v1.FeedService/AddFeeds')?.requestBytesMax).toBe(16 * 1_024 * 1_024);
  });
});
