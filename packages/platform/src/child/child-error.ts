/** `start`: it could not be started. `gone`: it has ended. `busy`: it does not read what is written to it. */
export type ChildErrorCode = 'start' | 'gone' | 'busy';

export class ChildError extends Error {
  readonly code: ChildErrorCode;
  constructor(code: ChildErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ChildError';
    this.code = code;
  }
}
