import {
  ClosedConnectionError,
  DrainingConnectionError,
  type Msg,
  type NatsConnection,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
} from '@nats-io/transport-node';
import { mayAnswer } from '@podctl/domain/key.ts';
import {
  type Bus,
  BusError,
  type BusErrorCode,
  type BusMessage,
  type BusSubscription,
  type RequestOptions,
} from '../bus.ts';
import { orAborted } from './abortable.ts';

/** The bus over a NATS connection. What a handler throws, and a subscription that the server refuses, go to `onError`. */
export function natsBus(nc: NatsConnection, onError: (error: unknown) => void): Bus {
  return {
    publish: (subject, data) => {
      if (!nc.isClosed() && !nc.isDraining()) nc.publish(subject, data);
    },
    request: (subject, data, options) => request(nc, subject, data, options),
    subscribe: (subject, handler) => subscribe(nc, subject, handler, onError),
  };
}

async function request(
  nc: NatsConnection,
  subject: string,
  data: Uint8Array,
  options: RequestOptions,
): Promise<Uint8Array> {
  options.signal?.throwIfAborted();
  try {
    const answer = nc.request(subject, data, { timeout: options.timeoutMs });
    return (await orAborted(answer, options.signal)).data;
  } catch (error) {
    options.signal?.throwIfAborted();
    const code = codeOf(nc, error);
    throw code === null ? error : new BusError(code, subject, error);
  }
}

function codeOf(nc: NatsConnection, error: unknown): BusErrorCode | null {
  if (error instanceof TimeoutError) return 'timeout';
  if (error instanceof NoRespondersError) return 'nobody';
  if (error instanceof RequestError) {
    if (error.isNoResponders()) return 'nobody';
    // The only other one: the connection was closed under the request.
    return error.cause instanceof PermissionViolationError ? 'refused' : 'closed';
  }
  const isClosed =
    error instanceof ClosedConnectionError || error instanceof DrainingConnectionError;
  return isClosed || nc.isClosed() ? 'closed' : null;
}

function subscribe(
  nc: NatsConnection,
  subject: string,
  handler: (message: BusMessage) => void,
  onError: (error: unknown) => void,
): BusSubscription {
  if (nc.isClosed()) throw new BusError('closed', subject);
  const subscription = nc.subscribe(subject, {
    callback: (error, message) => {
      try {
        if (error !== null) throw error;
        handler(received(nc, message, onError));
      } catch (thrown) {
        onError(thrown);
      }
    },
  });
  return { stop: () => subscription.unsubscribe() };
}

function received(nc: NatsConnection, message: Msg, onError: (error: unknown) => void): BusMessage {
  return {
    subject: message.subject,
    data: message.data,
    respond: (data) => {
      if (nc.isClosed() || message.reply === undefined || message.reply === '') return;
      if (mayAnswer(message.subject, message.reply)) message.respond(data);
      else onError(new BusError('refused', `the answer that was asked for by ${message.subject}`));
    },
  };
}
