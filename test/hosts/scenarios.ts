import { AGENT_FAULTS } from './agent-faults.ts';
import { CLUSTER_FAULTS } from './cluster-faults.ts';
import { LEADER_FAULTS } from './leader-faults.ts';
import { LINK_FAULTS } from './link-faults.ts';
import { REAL_ENGINE } from './real-engine.ts';
import type { Scenario } from './scenario.ts';

/** All faults, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  ...LEADER_FAULTS,
  ...CLUSTER_FAULTS,
  ...AGENT_FAULTS,
  ...LINK_FAULTS,
  ...REAL_ENGINE,
];
