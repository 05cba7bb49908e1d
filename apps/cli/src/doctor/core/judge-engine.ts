import { countWords } from '../../render/words.ts';
import { type Check, fail, ok, type Seen, skipped, warn } from './check.ts';
import { judgeOtherEngine } from './judge-other-engine.ts';
import type { MachineFacts, ModelFacts, PythonFacts } from './machine-facts.ts';

const AGAIN =
  'run "podctl agent install" again, which repairs it ("podctl up" does so for its own agent)';
const HASH_SHOWN = 12;

export function judgePython({ root, folder, others }: PythonFacts): Check {
  if (folder !== null) return ok('agent-python', `${folder}, made of the locked requirements`);
  const seen =
    others === 0
      ? `there is no Python environment in ${root}`
      : `${countWords(others, 'Python environment')} in ${root}, none whole and of this version's requirements`;
  return fail('agent-python', seen, AGAIN);
}

export function judgeEngine({ engine, otherEngine }: MachineFacts): Check {
  if (otherEngine !== null) return judgeOtherEngine(otherEngine);
  if (engine === null) return skipped('agent-engine', 'there is no Python environment for it');
  if (engine.kind === 'unseen') return fail('agent-engine', engine.why, engine.fix ?? AGAIN);
  const { fasterWhisper, ctranslate2, python } = engine.value;
  return ok(
    'agent-engine',
    `faster-whisper ${fasterWhisper}, CTranslate2 ${ctranslate2}, Python ${python}`,
  );
}

export function judgeModel(model: Seen<ModelFacts> | null): Check {
  if (model === null) return skipped('agent-model', 'there is no Python environment for it');
  if (model.kind === 'unseen')
    return fail(
      'agent-model',
      model.why,
      model.fix ?? 'let this machine reach the model hub once, or choose the model tiny.en',
    );
  const { name, origin, path, sha256, sha256Expected } = model.value;
  const short = (hash: string) => `${hash.slice(0, HASH_SHOWN)}…`;
  if (sha256Expected === null)
    return ok(
      'agent-model',
      `${name}, SHA-256 ${short(sha256)}; what it should be is not known here`,
    );
  if (sha256 !== sha256Expected)
    return fail(
      'agent-model',
      `${name} has SHA-256 ${short(sha256)} where ${short(sha256Expected)} was expected: its file is broken`,
      `remove ${path}, then run "podctl agent install" again`,
    );
  return ok(
    'agent-model',
    `${name}${origin === 'fallback' ? ', the copy of the package registry' : ''}, SHA-256 ${short(sha256)} as expected`,
  );
}

export function judgeGpu({ gpu, device, engine }: MachineFacts): Check {
  switch (gpu.kind) {
    case 'gpus':
      return gpusCheck(
        gpu.names.join(', '),
        device,
        engine?.kind === 'seen' ? engine.value.cudaDevices : null,
      );
    case 'none':
      return device === 'cuda' ? noCuda(gpu.why) : ok('agent-gpu', onCpu(gpu.why));
    case 'broken':
      if (device === 'cuda') return noCuda(gpu.why);
      return device === 'cpu'
        ? ok('agent-gpu', onCpu(gpu.why))
        : warn('agent-gpu', onCpu(gpu.why), 'mend the driver of NVIDIA, or restart the machine');
  }
}

function gpusCheck(names: string, device: MachineFacts['device'], cuda: number | null): Check {
  if (device === 'cpu') return ok('agent-gpu', `${names}, not used: transcribe.device is cpu`);
  if (cuda !== 0) return ok('agent-gpu', names);
  return (device === 'cuda' ? fail : warn)(
    'agent-gpu',
    `nvidia-smi lists ${names}, and the engine finds none`,
    'look at the check agent-driver; in a container, give it the GPU (--gpus all)',
  );
}

function noCuda(why: string): Check {
  return fail(
    'agent-gpu',
    `transcribe.device is cuda, and ${why}`,
    'install the driver of NVIDIA, or set transcribe.device to auto',
  );
}

function onCpu(why: string): string {
  return `${why}: the work is done on the CPU`;
}
