import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';

const ENGINES = fileURLToPath(new URL('../../engines/', import.meta.url));
const PROGRAM = `
import json, sys
sys.path.insert(0, sys.argv[1])
from engine_error import failure_of
print(json.dumps([failure_of(RuntimeError(text)).code for text in json.loads(sys.argv[2])]))
`;

/** What CTranslate2 4.8.5 raised on an H100 (driver 580.159.04), word by word; the last two are not of a GPU. */
const SEEN: readonly (readonly [string, string])[] = [
  ['CUDA failed with error out of memory', 'out_of_memory'],
  ['cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED', 'out_of_memory'],
  // A second try in the same process, with too little memory still.
  ['parallel_for failed: cudaErrorInvalidDevice: invalid device ordinal', 'out_of_memory'],
  ['CUDA failed with error an illegal memory access was encountered', 'device_failed'],
  ['CUDA failed with error unspecified launch failure', 'device_failed'],
  ['Library libcublas.so.12 is not found or cannot be loaded', 'internal'],
  ['File model.bin is incomplete', 'internal'],
];

test('what a GPU in trouble raises is told apart from all else', async () => {
  const texts = JSON.stringify(SEEN.map(([text]) => text));
  const argv = ['-I', '-B', '-c', PROGRAM, ENGINES, texts];
  const { stdout } = await promisify(execFile)(testPython(), argv);
  expect(JSON.parse(stdout)).toEqual(SEEN.map(([, code]) => code));
});
