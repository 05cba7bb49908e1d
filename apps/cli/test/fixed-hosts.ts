import type { sendUnaryData } from '@grpc/grpc-js';
import type { Host } from '@podctl/proto/podctl/v1/host.ts';

const open: Host = {
  ...{ host: 'audio.example.org', limit: 4, limitMax: 4, running: 1, waiting: 12, feeds: 3 },
  ...{ coolingUntil: undefined, strikes: 0, throttledSince: undefined, why: '' },
};
const cooling: Host = {
  ...{ ...open, host: 'cdn.example.org', limit: 0, strikes: 2 },
  coolingUntil: new Date('2100-01-02T03:04:05Z'),
  throttledSince: new Date('2026-01-02T03:04:05Z'),
  why: 'The host says that we ask too often (429).',
};

export const hostService = {
  listHosts: (_: unknown, done: sendUnaryData<unknown>) =>
    done(null, { hosts: [open, cooling], nextPageToken: '' }),
};
