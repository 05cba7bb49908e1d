/**
 * no_python: none of 3.10 or newer. no_venv: Python without venv, pip or ssl. offline: the registry cannot be reached.
 * full: no space left. busy: another process prepares it and does not end. failed: anything else, in pip's words.
 */
export type PythonEnvErrorCode = 'no_python' | 'no_venv' | 'offline' | 'full' | 'busy' | 'failed';

export class PythonEnvError extends Error {
  readonly code: PythonEnvErrorCode;
  constructor(code: PythonEnvErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'PythonEnvError';
    this.code = code;
  }
}
