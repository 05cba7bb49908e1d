/** What a call that takes some of many says. */
export interface BulkAnswer {
  /** How many there were just before it. */
  readonly matched: number;
  /** How many of them it did not take. */
  readonly left: number;
}

/** Each takes a few hundred: more than any library has. */
const ROUNDS_MAX = 10_000;

/** Calls again and again until as many were taken as there were: what comes to be so meanwhile is not asked for. */
export async function inRounds<Answer extends BulkAnswer>(
  matched: number,
  call: () => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let taken = 0; answers.length < ROUNDS_MAX && taken < matched; ) {
    const answer = await call();
    answers.push(answer);
    const some = answer.matched - answer.left;
    if (answer.left === 0 || some <= 0) break;
    taken += some;
  }
  return answers;
}
