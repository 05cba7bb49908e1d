import { join } from 'node:path';
import { ENDPOINT_FILE } from '../endpoint.ts';

/** Where `up` keeps what, under its data folder. */
export interface DataFolder {
  readonly root: string;
  /** Written when the coordinator is ready, for the other commands. */
  readonly endpointFile: string;
  readonly nats: string;
  readonly logs: string;
  readonly coordinatorState: string;
  readonly agentState: string;
  readonly python: string;
  /** Bootstrap files of the children, and what they answer. */
  readonly run: string;
  readonly sampleFile: string;
}

export function dataFolder(root: string): DataFolder {
  return {
    root,
    endpointFile: join(root, ENDPOINT_FILE),
    nats: join(root, 'nats'),
    logs: join(root, 'logs'),
    coordinatorState: join(root, 'coordinator'),
    agentState: join(root, 'agent'),
    python: join(root, 'python'),
    run: join(root, 'run'),
    sampleFile: join(root, 'sample.json'),
  };
}
