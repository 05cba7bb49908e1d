import type { Bus, BusMessage } from '@podctl/platform/bus.ts';
import type { Failpoints } from './failpoints.ts';
import { messageName, replyName } from './site-name.ts';

/** Nobody listens: the server says so once it has taken everything that was sent before on this connection. */
const FLUSH_SUBJECT = 'failpoint-flush';
const FLUSH_MS_MAX = 5_000;

/** A bus whose messages are points. A message without an answer is sent once the server has it. */
export function watchedBus(bus: Bus, points: Failpoints): Bus {
  const send = (site: string, effect: () => void) => {
    points.pass({ site, moment: 'before' });
    effect();
    void bus
      .request(FLUSH_SUBJECT, new Uint8Array(), { timeoutMs: FLUSH_MS_MAX })
      .catch(() => undefined)
      .then(() => points.pass({ site, moment: 'after' }));
  };
  const watched = (message: BusMessage): BusMessage => ({
    subject: message.subject,
    data: message.data,
    respond: (data) =>
      send(`bus.respond ${replyName(message.subject, data)}`, () => message.respond(data)),
  });
  return {
    publish: (subject, data) =>
      send(`bus.publish ${messageName(subject, data)}`, () => bus.publish(subject, data)),
    request: (subject, data, options) =>
      points.around(`bus.request ${messageName(subject, data)}`, () =>
        bus.request(subject, data, options),
      ),
    subscribe: (subject, handler) => bus.subscribe(subject, (message) => handler(watched(message))),
  };
}
