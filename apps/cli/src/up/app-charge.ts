import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type AppKey, bootstrapVariable } from '@podctl/platform/bootstrap.ts';
import { type ChildSpec, spawnChild } from '@podctl/platform/child/child-process.ts';
import type { Endpoint } from '@podctl/platform/endpoint.ts';
import { readJsonFile, writeJsonFile } from '@podctl/platform/json-file.ts';
import { FILE_THREADS } from './file-threads.ts';
import { waitInFolder } from './file-wait.ts';
import type { Charge } from './supervised-child.ts';

/** One of our apps as a child: what it is told in a file, and where it listens once it is ready. */
export interface AppPlace {
  /** For messages, e.g. `the coordinator`. */
  readonly name: string;
  readonly key: AppKey;
  /** Its main.ts. */
  readonly script: string;
  /** Folder of the bootstrap and endpoint files. */
  readonly folder: string;
  readonly lockFd: number;
  readonly log: (line: string) => void;
  readonly graceMs: number;
  readonly readyMsMax: number;
  /** What it is told; asked at each start, with what it listened on before (null at the first). */
  readonly bootstrap: (before: Endpoint | null) => object;
}

export interface App {
  readonly charge: Charge;
  /** Null until it was ready once. A restart keeps the ports, so that whoever watches finds it again. */
  endpoint(): Endpoint | null;
}

export function appCharge(place: AppPlace): App {
  const bootstrapPath = join(place.folder, `${place.key}.json`);
  const endpointFile = join(place.folder, `${place.key}-endpoint.json`);
  let endpoint: Endpoint | null = null;
  return {
    endpoint: () => endpoint,
    charge: {
      name: place.name,
      graceMs: place.graceMs,
      readyMsMax: place.readyMsMax,
      async spawn() {
        await rm(endpointFile, { force: true });
        await writeJsonFile(bootstrapPath, { ...place.bootstrap(endpoint), endpointFile });
        return spawnChild(specOf(place, bootstrapPath));
      },
      async ready(signal) {
        endpoint = await waitInFolder(place.folder, () => readEndpoint(endpointFile), signal);
      },
    },
  };
}

function specOf(place: AppPlace, bootstrapPath: string): ChildSpec {
  return {
    name: place.key,
    command: process.execPath,
    args: [place.script],
    tie: 'node',
    env: { ...FILE_THREADS, ...process.env, [bootstrapVariable(place.key)]: bootstrapPath },
    stdout: 'log',
    log: place.log,
    lockFd: place.lockFd,
  };
}

async function readEndpoint(path: string): Promise<Endpoint | null> {
  const found = await readJsonFile(path);
  if (found === null) return null;
  return {
    grpc: typeof found.grpc === 'string' ? found.grpc : '',
    http: typeof found.http === 'string' ? found.http : '',
    ...(typeof found.bytes === 'string' ? { bytes: found.bytes } : {}),
  };
}
