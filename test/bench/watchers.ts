/** Watchers for `npm run bench:watch`: so many streams of a coordinator, each message read and let go. */
import { CoordinatorClient } from '../../apps/cli/src/client.ts';

const [address = '', count = '0'] = process.argv.slice(2);
const endpoint = { addresses: [address], origin: 'the bench', ca: null, token: null };
const clients = Array.from(
  { length: Number(count) },
  () => new CoordinatorClient(endpoint, 10_000),
);
let snapshots = 0;
// Ended by the bench: the coordinator that goes then is no failure.
process.on('disconnect', () => process.exit());
await Promise.all(
  clients.map(async (client) => {
    for await (const { message } of client.watch(500, new AbortController().signal))
      if (message?.$case === 'snapshot') {
        snapshots += 1;
        if (snapshots === clients.length) process.send?.({ ready: true });
      }
  }),
);
