import type { handleBidiStreamingCall, ServiceDefinition } from '@grpc/grpc-js';
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from '@podctl/proto/grpc/reflection/v1/reflection.ts';
import { reflectionAnswer } from './reflection-answers.ts';
import { type Failure, serviceError } from './status.ts';

type Handle = handleBidiStreamingCall<ServerReflectionRequest, ServerReflectionResponse>;
type Stream = Parameters<Handle>[0];

const { serverReflectionInfo: method } = ServerReflectionService;

/** v1, and v1alpha, which older tools speak: the same messages under another name. */
export const reflectionDefinitions: readonly ServiceDefinition<{ serverReflectionInfo: Handle }>[] =
  [
    { serverReflectionInfo: method },
    { serverReflectionInfo: { ...method, path: method.path.replace('.v1.', '.v1alpha.') } },
  ];

/** A client that explores asks for some dozens of files and symbols. */
const QUESTIONS_MAX = 1_000;
const TOO_MANY: Failure = {
  kind: 'exhausted',
  message: `more than ${QUESTIONS_MAX} questions came on this stream`,
  hint: 'open another one',
};

/** grpc.reflection: tools such as grpcurl and buf curl learn the API from the server. */
export class Reflection {
  readonly #streams = new Set<Stream>();

  /** One question is read after the answer of the one before was taken. */
  readonly serverReflectionInfo: Handle = (stream) => {
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    stream.once('cancelled', () => this.#streams.delete(stream));
    let questions = 0;
    stream.on('end', () => stream.end());
    stream.on('data', (request: ServerReflectionRequest) => {
      questions += 1;
      if (questions > QUESTIONS_MAX) return this.#end(stream, TOO_MANY);
      if (stream.write(reflectionAnswer(request))) return;
      stream.pause();
      stream.once('drain', () => stream.resume());
    });
  };

  /** Ends the streams that are open. */
  stop(reason: Failure): void {
    for (const stream of this.#streams) this.#end(stream, reason);
  }

  #end(stream: Stream, reason: Failure): void {
    this.#streams.delete(stream);
    stream.pause();
    stream.emit('error', serviceError(reason));
  }
}
