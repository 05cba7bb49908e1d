import { describe, expect, test } from 'vitest';
import {
  afterFailedRenewal,
  type RenewalPlan,
  renewalPlan,
  renewalProblem,
} from './credential-renewal.ts';

const DAY_MS = 86_400_000;
const issued = { issuedMs: 0, expiresMs: 30 * DAY_MS };

describe('the renewal of a credential', () => {
  test('is due at two thirds of its life, and half a day later at the most', () => {
    expect(renewalPlan(issued, 0).dueMs).toBe(20 * DAY_MS);
    expect(renewalPlan(issued, 1).dueMs).toBe(20.5 * DAY_MS);
  });

  test('is tried again after a minute, then ever later, up to an hour', () => {
    const waits = (random: number) => {
      let plan: RenewalPlan = renewalPlan(issued, 0);
      return Array.from({ length: 8 }, () => {
        plan = afterFailedRenewal(plan, 'nobody answers', 1_000, random);
        return (plan.dueMs - 1_000) / 60_000;
      });
    };
    expect(waits(1)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(waits(0)).toEqual([0.5, 1, 2, 4, 8, 16, 30, 30]);
  });

  test('that failed is told when less than three days are left', () => {
    const plan = afterFailedRenewal(renewalPlan(issued, 0), 'nobody answers', 20 * DAY_MS, 0);
    expect(renewalProblem(plan, 27 * DAY_MS)).toBeNull();
    expect(renewalProblem(plan, 27 * DAY_MS + 1)).toBe(
      'this agent’s credential ends in 71 h and cannot be renewed: nobody answers',
    );
    expect(renewalProblem(plan, 30 * DAY_MS)).toMatch(/has expired: join anew/);
  });

  test('that is not tried yet is no problem, unless the credential is over', () => {
    const plan = renewalPlan(issued, 0);
    expect(renewalProblem(plan, 29 * DAY_MS)).toBeNull();
    expect(renewalProblem(plan, 31 * DAY_MS)).toMatch(/has expired/);
  });
});
