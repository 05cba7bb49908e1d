/** Whatever lives long: started once, stopped once or more, in any order of calls. */
export interface Service {
  readonly name: string;
  /** Resolves when it is ready to be used; rejects when it cannot be, having cleaned up. */
  start(): Promise<void>;
  /** Resolves when nothing of it is left running. Safe before start, during it, and twice. */
  stop(): Promise<void>;
}

/** Starts in order; when one fails, stops those that were started, newest first, and throws its error. */
export async function startAll(services: readonly Service[]): Promise<void> {
  const started: Service[] = [];
  for (const service of services) {
    try {
      await service.start();
      started.push(service);
    } catch (error) {
      await stopAll(started);
      throw error;
    }
  }
}

/** Stops newest first. Every one is stopped whatever the others do; their errors are thrown together at the end. */
export async function stopAll(services: readonly Service[]): Promise<void> {
  const errors: unknown[] = [];
  for (const service of [...services].reverse()) {
    try {
      await service.stop();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'services did not stop cleanly');
}
