/** The leader could not do it, or nobody can tell whether it did. One sentence, without its full stop. */
export class OrderFailed extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'OrderFailed';
  }
}
