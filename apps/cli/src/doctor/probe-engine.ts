import { dirname, join } from 'node:path';
import { findPythonEnvs } from '@podctl/platform/python-env.ts';
import type { RunProgram } from '../install/ports.ts';
import { failureWords } from '../install/run-program.ts';
import { requirementsPath } from '../up/bootstrap.ts';
import { type Seen, seen, unseen, unseenBy } from './core/check.ts';
import type { EngineFacts, ModelFacts, PythonFacts } from './core/machine-facts.ts';

/** Imports take 1 to 2 s, and several times that from a disk that is busy. */
const IMPORT_MS_MAX = 10_000;
/** A model of 3 GB is hashed in about 6 s. */
const HASH_MS_MAX = 12_000;

/** Without what a user set for another project; nothing is written beside the scripts. */
const ISOLATED = ['-I', '-B', '-c'];

/** The libraries that the engine needs. The engine itself is not started: a model in the GPU would be in the way. */
const IMPORT_PROGRAM = `
import json, platform, ctranslate2, faster_whisper
try:
    cuda = ctranslate2.get_cuda_device_count()
except Exception:
    cuda = None
print(json.dumps({"python": platform.python_version(), "fasterWhisper": faster_whisper.__version__,
                  "ctranslate2": ctranslate2.__version__, "cudaDevices": cuda}))
`;

/** Looks where the engine would, but never asks the hub. The hub's cache names a file by its SHA-256. */
const MODEL_PROGRAM = `
import json, os, re, sys
sys.path.insert(0, sys.argv[1])
from model_source import FALLBACK_SHA256, resolve_model
from engine_error import EngineError
try:
    found = resolve_model(sys.argv[2], None, None, {"HF_HUB_OFFLINE": "1"})
except EngineError as error:
    print(json.dumps({"missing": str(error)}))
else:
    blob = os.path.basename(os.path.realpath(os.path.join(found.path, "model.bin")))
    expected = FALLBACK_SHA256 if found.origin == "fallback" else blob if re.fullmatch("[0-9a-f]{64}", blob) else None
    print(json.dumps({"path": found.path, "origin": found.origin, "sha256": found.sha256, "sha256Expected": expected}))
`;

/** What "podctl up" and "podctl agent install" have made in a folder, for the engine as it is now. */
export async function probePython(root: string): Promise<PythonFacts> {
  return { root, ...(await findPythonEnvs(root, [requirementsPath()])) };
}

export async function probeEngine(folder: string, run: RunProgram): Promise<Seen<EngineFacts>> {
  const found = await answer(
    run,
    [pythonIn(folder), ...ISOLATED, IMPORT_PROGRAM],
    IMPORT_MS_MAX,
    {},
  );
  if (found.kind === 'unseen') return found;
  const { python, fasterWhisper, ctranslate2, cudaDevices } = found.value;
  return seen({
    ...{
      python: String(python),
      fasterWhisper: String(fasterWhisper),
      ctranslate2: String(ctranslate2),
    },
    cudaDevices: typeof cudaDevices === 'number' ? cudaDevices : null,
  });
}

/** @param cacheDir where models are kept; null: where the model hub's own library keeps them. */
export async function probeModel(
  { folder, model, cacheDir }: { folder: string; model: string; cacheDir: string | null },
  run: RunProgram,
): Promise<Seen<ModelFacts>> {
  const env = {
    HF_HUB_OFFLINE: '1',
    ...(cacheDir === null ? {} : { HF_HOME: join(cacheDir, 'huggingface') }),
  };
  const argv = [pythonIn(folder), ...ISOLATED, MODEL_PROGRAM, dirname(requirementsPath()), model];
  const found = await answer(run, argv, HASH_MS_MAX, env);
  if (found.kind === 'unseen') return found;
  const { missing, path, origin, sha256, sha256Expected } = found.value;
  if (typeof missing === 'string') return unseenBy(missing);
  return seen({
    ...{ name: model, path: String(path), origin: String(origin), sha256: String(sha256) },
    sha256Expected: typeof sha256Expected === 'string' ? sha256Expected : null,
  });
}

type Fields = Readonly<Record<string, unknown>>;

async function answer(
  run: RunProgram,
  argv: readonly string[],
  timeoutMs: number,
  env: NodeJS.ProcessEnv,
): Promise<Seen<Fields>> {
  const end = await run(argv, { timeoutMs, env });
  if (end.kind === 'late')
    return unseen(
      `it did not answer within ${timeoutMs / 1_000} s`,
      'run this again, with less else running',
    );
  if (end.kind !== 'ended' || end.code !== 0)
    return unseen(
      failureWords(['the Python of the engine', 'python'], end, timeoutMs).replace(
        /^"[^"]*"/,
        'its Python',
      ),
    );
  try {
    return seen(JSON.parse(end.stdout.trim().split('\n').at(-1) ?? '') as Fields);
  } catch {
    return unseen('its Python answered something else than was asked');
  }
}

function pythonIn(folder: string): string {
  return join(folder, 'bin', 'python');
}
