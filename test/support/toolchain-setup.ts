import { fileURLToPath } from 'node:url';
import { ensurePythonEnv, type PythonEnvProgress } from '@podctl/platform/python-env.ts';

const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const inMb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Before all tests: the Python environment with nats-server and the engine, made once, as `podctl up` makes it. */
export default async function setup(): Promise<void> {
  // The tests' own children must not take the pipe of this process's parent for theirs.
  delete process.env.PODCTL_PARENT_FD;
  // Hundreds of processes of ours are started: each spares half of its start.
  process.env.NODE_COMPILE_CACHE ??= inRepository('node_modules/.cache/podctl-compiled');
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error('the tests were stopped during set-up'));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const env = await ensurePythonEnv({
      root: process.env.PODCTL_PYTHON_ROOT ?? inRepository('.podctl'),
      requirementsPaths: [inRepository('apps/agent/engines/requirements.txt')],
      signal: stop.signal,
      onProgress: (progress) => {
        if (progress.kind === 'silent' && progress.silentMs % 5_000 !== 0) return;
        process.stderr.write(`${sentence(progress)}\n`);
      },
    });
    process.env.PODCTL_TEST_NATS_SERVER = env.bin('nats-server');
    process.env.PODCTL_TEST_PYTHON = env.python;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

function sentence(progress: PythonEnvProgress): string {
  switch (progress.kind) {
    case 'waiting':
      return `waiting for another process (${progress.holder}) that prepares the Python environment`;
    case 'creating':
      return `preparing a Python ${progress.version} environment (once)`;
    case 'fetching':
      return `  ${progress.name} ${inMb(progress.sizeBytes)}, ${inMb(progress.totalBytes)} in all`;
    case 'installing':
      return `  installing ${progress.packages} packages`;
    case 'silent':
      return `  still ${progress.at}, ${progress.silentMs / 1_000} s`;
    case 'ready':
      return `prepared it in ${(progress.tookMs / 1000).toFixed(0)} s`;
  }
}
