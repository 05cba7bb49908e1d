import { HostDesk } from '../../../apps/coordinator/src/shell/host-desk.ts';
import type { Plant } from '../plant.ts';
import { substitute } from './port-wrap.ts';

/** What a host asks of all is taken for the failure of one episode. */
export const patienceIsFailure: Plant = {
  what: 'a host’s patience counted as a failure',
  substitute: () => substitute(HostDesk.prototype, 'sentAway', () => async () => null),
};
