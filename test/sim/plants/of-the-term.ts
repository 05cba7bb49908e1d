import { decodeLeader } from '@podctl/platform/leader-record.ts';
import { Leadership, type Reign } from '@podctl/platform/leadership.ts';
import { Liveness } from '../../../apps/coordinator/src/core/liveness.ts';
import type { Plant } from '../plant.ts';
import { substitute, wrapKv } from './port-wrap.ts';

export const ttlDropped: Plant = {
  what: 'TTL dropped on renewal',
  coordinator: (ports) => ({
    ...ports,
    lead: wrapKv(ports.lead, {
      cas: (key, expected, value, options) => {
        const isRenewal = (decodeLeader(value)?.epoch ?? null) !== null;
        return ports.lead.cas(key, expected, value, isRenewal ? {} : options);
      },
    }),
  }),
};

export const noGrace: Plant = {
  what: 'no grace after take-over',
  substitute: () => substitute(Liveness.prototype, 'beginTerm', () => () => {}),
};

export const deposedWrites: Plant = {
  what: "a deposed leader's stale write",
  substitute: () => {
    const reigns = new WeakMap<Leadership, Reign>();
    return substitute(
      Leadership.prototype,
      'term',
      (original) =>
        function term(this: Leadership): Reign | null {
          const reign = original.call(this);
          if (reign !== null) reigns.set(this, { epoch: reign.epoch, isTrusted: () => true });
          return reigns.get(this) ?? null;
        },
    );
  },
};
