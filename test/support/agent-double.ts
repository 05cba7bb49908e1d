import { randomBytes } from 'node:crypto';
import { type AgentId, agentId, type ClusterId, type SessionId } from '@podctl/domain/ids.ts';
import {
  commandSubject,
  heartbeatSubject,
  helloSubject,
  logSubject,
  resultSubject,
} from '@podctl/domain/key.ts';
import { stagingFolder } from '@podctl/domain/library-path.ts';
import { encodeManifest, MANIFEST_NAME, type ManifestFile } from '@podctl/domain/manifest.ts';
import type {
  CommandMessage,
  HelloReply,
  JobToken,
  LogLine,
  ResultOutcome,
  ResultReply,
  TokenReport,
} from '@podctl/domain/protocol.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import type { Library } from '@podctl/platform/library.ts';
import {
  commandMessage,
  heartbeatMessage,
  helloMessage,
  helloReply,
  logMessage,
  resultMessage,
  resultReply,
} from '@podctl/platform/wire.ts';

type Start = CommandMessage & { kind: 'start' };

/** An agent that speaks the protocol and does as the test says, step by step. */
export class AgentDouble {
  readonly id: AgentId;
  readonly boot = randomBytes(4).toString('hex');
  readonly commands: CommandMessage[] = [];
  readonly #bus: Bus;
  readonly #library: Library;
  readonly #waiting: {
    test: (command: CommandMessage) => boolean;
    resolve: (command: CommandMessage) => void;
  }[] = [];
  session = 0 as SessionId;
  cluster: ClusterId | null = null;
  /** Answers the ping that finds a second live process. */
  isAlive = true;

  constructor(bus: Bus, library: Library, id: string) {
    const parsed = agentId(id);
    if (!parsed.ok) throw new Error(parsed.error);
    this.id = parsed.value;
    this.#bus = bus;
    this.#library = library;
    bus.subscribe(commandSubject(this.id), (message) => {
      const command = commandMessage.decode(message.data);
      if (!command.ok) throw new Error(command.error);
      if (command.value.kind === 'ping') {
        if (this.isAlive && command.value.boot === this.boot) message.respond(new Uint8Array());
        return;
      }
      this.#deliver(command.value);
    });
  }

  async hello(slots = { download: 2, transcribe: 1 }): Promise<HelloReply> {
    const message = {
      kind: 'hello',
      boot: this.boot,
      cluster: this.cluster,
      host: 'test',
      version: '0',
      engine: 'none',
      slots,
    } as const;
    const reply = await this.#ask(
      helloSubject(this.id),
      helloMessage.encode(message),
      helloReply.decode,
    );
    if (reply.kind === 'welcome') {
      this.session = reply.session;
      this.cluster = reply.cluster;
    }
    return reply;
  }

  async goodbye(finished: readonly JobToken[] = [], reason?: string): Promise<HelloReply> {
    const message = {
      kind: 'goodbye',
      boot: this.boot,
      cluster: this.#world(),
      session: this.session,
      finished,
      reason,
    } as const;
    return this.#ask(helloSubject(this.id), helloMessage.encode(message), helloReply.decode);
  }

  heartbeat(tokens: readonly TokenReport[] = [], draining = false): void {
    const { boot, session } = this;
    const encoded = heartbeatMessage.encode({
      boot,
      session,
      cluster: this.#world(),
      sequence: 1,
      tokens,
      engine: 'none',
      problem: null,
      draining,
    });
    if (!encoded.ok) throw new Error(encoded.error);
    this.#bus.publish(heartbeatSubject(this.id), encoded.value);
  }

  /** The next command that fits, also one that came before. */
  next<T extends CommandMessage>(fits: (command: CommandMessage) => command is T): Promise<T> {
    const i = this.commands.findIndex(fits);
    if (i >= 0) return Promise.resolve(this.commands.splice(i, 1)[0] as T);
    return new Promise((resolve) => {
      this.#waiting.push({ test: fits, resolve: (command) => resolve(command as T) });
    });
  }

  nextStart(stage?: string): Promise<Start> {
    return this.next(
      (command): command is Start =>
        command.kind === 'start' && (stage === undefined || command.job.stage === stage),
    );
  }

  /** Tells what its log says, in its session. */
  say(lines: readonly LogLine[], dropped = 0): void {
    const of = { boot: this.boot, cluster: this.#world(), session: this.session };
    const encoded = logMessage.encode({ ...of, dropped, lines });
    if (!encoded.ok) throw new Error(encoded.error);
    this.#bus.publish(logSubject(this.id), encoded.value);
  }

  /** Writes files and the manifest into staging, as a worker would. */
  async finish(
    { job, cluster, session }: Start,
    files: { readonly [name: string]: string },
    audioSeconds: number | null = null,
  ): Promise<string> {
    const folder = stagingFolder(cluster, job.feed, job.episode, job.stage, job.token);
    const written: ManifestFile[] = [];
    for (const [name, text] of Object.entries(files)) {
      const { sizeBytes, sha256 } = await this.#library.write(
        `${folder}/${name}`,
        chunks(text),
        AbortSignal.timeout(5_000),
      );
      written.push({ name, sizeBytes, sha256 });
    }
    const manifest = encodeManifest({
      version: 1,
      cluster,
      ...job,
      agent: this.id,
      session,
      files: written,
      audioSeconds,
      details: {},
    });
    return (
      await this.#library.write(
        `${folder}/${MANIFEST_NAME}`,
        chunks(manifest),
        AbortSignal.timeout(5_000),
      )
    ).sha256;
  }

  async verdict(
    job: JobToken,
    outcome: ResultOutcome,
    session = this.session,
  ): Promise<ResultReply> {
    const message = { boot: this.boot, cluster: this.#world(), session, job, outcome };
    return this.#ask(resultSubject(this.id), resultMessage.encode(message), resultReply.decode);
  }

  /** Finishes a download or transcription and asks for its verdict. */
  async complete(start: Start): Promise<ResultReply> {
    const files =
      start.work.kind === 'download'
        ? { 'audio.mp3': 'sound', 'metadata.json': '{}' }
        : TRANSCRIPT_FILES;
    const manifestSha256 = await this.finish(start, files, 30);
    return this.verdict(start.job, { kind: 'finished', manifestSha256 });
  }

  #deliver(command: CommandMessage): void {
    const i = this.#waiting.findIndex(({ test }) => test(command));
    if (i >= 0) this.#waiting.splice(i, 1)[0]?.resolve(command);
    else this.commands.push(command);
  }

  #world(): ClusterId {
    if (this.cluster === null) throw new Error('say hello first');
    return this.cluster;
  }

  async #ask<T>(
    subject: string,
    encoded: { ok: true; value: Uint8Array } | { ok: false; error: string },
    decode: (data: Uint8Array) => { ok: true; value: T } | { ok: false; error: string },
  ): Promise<T> {
    if (!encoded.ok) throw new Error(encoded.error);
    const reply = decode(await this.#bus.request(subject, encoded.value, { timeoutMs: 10_000 }));
    if (!reply.ok) throw new Error(reply.error);
    return reply.value;
  }
}

const TRANSCRIPT_FILES = {
  'transcript.txt': 'hello',
  'transcript.srt': 's',
  'transcript.vtt': 'v',
  'transcript.json': '{}',
};

async function* chunks(text: string): AsyncIterable<Uint8Array> {
  yield new TextEncoder().encode(text);
}
