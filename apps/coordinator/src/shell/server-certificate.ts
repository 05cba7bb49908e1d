import { issueForServer, type KeyedCertificate } from '@podctl/platform/authority/certificates.ts';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';

/** What a listener shows, and whom it checks others by; PEM. */
export interface ServerTls {
  readonly certPem: string;
  readonly keyPem: string;
  readonly caPem: string;
}

export interface ServerCertificateOptions {
  readonly ca: KeyedCertificate;
  /** Names and addresses under which this machine is reached. */
  readonly hosts: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

const LIFE_MS = 90 * 86_400_000;
const RENEW_AFTER_MS = (LIFE_MS * 2) / 3;
const LOOK_EVERY_MS = 3_600_000;
const SPACING_MS = 100;
const ALWAYS = [SERVER_NAMES.coordinator, 'localhost', '127.0.0.1', '::1'];

/** The certificate of this process's listeners: made at its start, kept in memory only, and made anew in time. */
export class ServerCertificate extends Loop {
  readonly #options: ServerCertificateOptions;
  readonly #listeners = new Set<() => void>();
  #made: Made;

  private constructor(options: ServerCertificateOptions, made: Made) {
    const { clock, log } = options;
    super('server certificate', { clock, log, tickMs: LOOK_EVERY_MS, spacingMs: SPACING_MS });
    this.#options = options;
    this.#made = made;
  }

  /** With the first one; started, it sees to the next. */
  static async make(options: ServerCertificateOptions): Promise<ServerCertificate> {
    return new ServerCertificate(options, await issue(options));
  }

  current(): ServerTls {
    return this.#made.tls;
  }

  /** Called when there is a new one. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  protected override async turn(): Promise<void> {
    const ageMs = this.#options.clock.wallMs() - this.#made.issuedMs;
    // A clock that was set back makes it one of the future.
    if (ageMs < RENEW_AFTER_MS && ageMs >= -LOOK_EVERY_MS) return;
    this.#made = await issue(this.#options);
    for (const listener of this.#listeners) listener();
  }
}

interface Made {
  readonly tls: ServerTls;
  readonly issuedMs: number;
}

async function issue({ ca, hosts, clock }: ServerCertificateOptions): Promise<Made> {
  const issuedMs = clock.wallMs();
  const names = [...new Set([...ALWAYS, ...hosts])];
  const issued = await issueForServer(ca, names, { fromMs: issuedMs, toMs: issuedMs + LIFE_MS });
  return { tls: { ...issued, caPem: ca.certPem }, issuedMs };
}
