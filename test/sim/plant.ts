import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { AgentPorts } from '../../apps/agent/src/shell/agent.ts';
import type { CoordinatorPorts } from '../../apps/coordinator/src/ports.ts';
import type { SimProcess } from './process.ts';
import type { Simulation } from './simulation.ts';

/**
 * A safeguard taken away, to see that the simulation notices: other ports in front of the real ones, another method in
 * the place of a real one, or a careless operator. The product's code knows nothing of it.
 */
export interface Plant {
  /** What is missing, in words. */
  readonly what: string;
  readonly coordinator?: (
    ports: CoordinatorPorts,
    process: SimProcess,
    simulation: Simulation,
  ) => CoordinatorPorts;
  readonly agent?: (ports: AgentPorts, process: SimProcess, simulation: Simulation) => AgentPorts;
  /** Changes what is not a port; gives back what undoes it. */
  readonly substitute?: () => () => void;
  /** What a request for one more run makes of a state. */
  readonly request?: (state: EpisodeState, stage: Stage) => EpisodeState;
  /** The same cluster id after a restore. */
  readonly keepsClusterId?: boolean;
}
