/** What an engine's process is told besides what the agent itself was. */
export interface EngineSurroundings {
  /** The UUID of the GPU that it is for; null: whatever it finds. */
  readonly gpuUuid: string | null;
  /** A folder with CUDA's libraries; null: those of the system, if there are any. */
  readonly cudaLibraries: string | null;
  /** Where the driver may keep what it compiled; a folder of the agent's own. */
  readonly cacheDir: string;
}

/** An agent's environment, with what its engine needs. */
export function engineEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  { gpuUuid, cudaLibraries, cacheDir }: EngineSurroundings,
): Record<string, string | undefined> {
  const path = [cudaLibraries, env.LD_LIBRARY_PATH].filter(
    (part) => part !== null && part !== undefined && part !== '',
  );
  return {
    // The kernels of the wheel end at compute capability 8.6: for newer GPUs the driver compiles them once, which took 20 s
    // on an H100. A service's user may have no home to keep them in.
    CUDA_CACHE_PATH: cacheDir,
    // Memory in large pages takes a tenth off the engine's time (ADR 0028). Other C libraries, and older ones, pass it over.
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
    ...env,
    // A library of the engine's tells its maker who runs it, unless it is told not to.
    ORT_DISABLE_TELEMETRY: '1',
    ...(path.length === 0 ? {} : { LD_LIBRARY_PATH: path.join(':') }),
    ...(gpuUuid === null ? {} : { CUDA_VISIBLE_DEVICES: gpuUuid }),
  };
}
